import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import type { Signed } from "./credential.ts";

/** Mails the owner that the counter of a passkey went backwards. One such mail is pending at a time. */
export async function warnOfCopy(sql: Sql, ctx: Context, { usr_id, version }: Signed): Promise<void> {
  await sql`
    with account as (
      select usr_id
      from usr
      where usr_id = ${usr_id} and version = ${version}
      for key share
    )
    insert into task (task_type, params, unique_key)
    select 'SEND_EMAIL_PASSKEY_REFUSED', ${mailParams(sql, ctx)}, usr_id::text
    from account
    on conflict do nothing
  `;
}
