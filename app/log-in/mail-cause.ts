import type { TransactionSql } from "postgres";
import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { clientNetwork } from "../http/rate-limit.ts";
import { browserName } from "./browser-name.ts";

/**
 * The params of a task that mails the user `usr_id` of a row about security: `usr_id` and `mail_cause_id`. It inserts a row that
 * says where the request came from, for the mail to name.
 */
export const mailParams = (sql: Sql | TransactionSql, ctx: Context) =>
  sql`mail_params(usr_id, ${browserName(ctx.get("User-Agent"))}, ${clientNetwork(ctx.ip)})`;
