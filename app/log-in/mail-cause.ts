import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { clientNetwork } from "../http/rate-limit.ts";
import { browserName } from "./browser-name.ts";

/**
 * The body of a CTE that records where a request came from, for a mail about security to the user of the CTE `account`
 * (`usr_id`). Returns the `params` of the mail's task: `usr_id` and `mail_cause_id`.
 */
export const mailCause = (sql: Sql, ctx: Context) => sql`
  insert into mail_cause (usr_id, browser, network)
  select usr_id, ${browserName(ctx.get("User-Agent"))}, ${clientNetwork(ctx.ip)}
  from account
  returning jsonb_build_object('usr_id', usr_id::text, 'mail_cause_id', mail_cause_id::text) as params
`;
