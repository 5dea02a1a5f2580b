import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { mailParams } from "./mail-cause.ts";

export type Attempt = { email: string; browserHash: Buffer };
export type User = { usr_id: string; password_hash: string; version: number };

/** NIST SP 800-63B-4, 3.2.2, allows 100. */
const maxFailures = 50;

/**
 * Counts the attempt and reads the user. An unknown address costs the same reads and writes. After too many failures in a row,
 * from any networks, only a known browser may log in; the first attempt over the limit sends the owner a mail.
 */
export async function countAttempt(sql: Sql, ctx: Context, { email, browserHash }: Attempt) {
  const [found] = await sql<[{ user: User | null; may_log_in: boolean }]>`
    with failure as (
      insert into log_in_failure (email, failures)
      values (${email}, 1)
      on conflict (email) do update set failures = least(log_in_failure.failures + 1, 1000000), failed_at = now()
      returning failures
    ), account as (
      select usr.usr_id, password_hash, version, email_verified.usr_id is not null as is_verified
      from usr
      left join email_verified on email_verified.usr_id = usr.usr_id
      where email = ${email}
    ), blocked as (
      -- Without a verified account the mail is for user 0, who does not exist.
      select case when is_verified then usr_id else 0 end as usr_id
      from failure
      left join account on true
      where failures = ${maxFailures} + 1
    ), warning as (
      insert into task (task_type, params)
      select 'SEND_EMAIL_LOG_IN_BLOCKED', ${mailParams(sql, ctx)}
      from blocked
    )
    select
      case when account.usr_id is not null
        then jsonb_build_object('usr_id', account.usr_id::text, 'password_hash', password_hash, 'version', version)
      end as user,
      coalesce(is_verified and (failures <= ${maxFailures} or known_browser.usr_id is not null), false) as may_log_in
    from failure
    left join account on true
    left join known_browser on token_hash = ${browserHash}
      and known_browser.usr_id = coalesce(account.usr_id, 0) and usr_version = version
  `;
  return found;
}
