import type { Sql } from "../db/connect.ts";
import { knowBrowser } from "./known-browser.ts";
import { beginSession, type NewSession } from "./session.ts";
import { count, forgive, logIns, passwordChecks, secondsUntil } from "../http/throttle.ts";

/** NIST SP 800-63B-4, 3.2.2, allows 100. */
const failuresInARow = 50;

type Browser = { hash: Buffer };
type User = { usr_id: string; password_hash: string };
type Try = { user: User | null; may_enter: boolean; retry_after_seconds: number | null };

/**
 * Counts the try, for an address that is nobody's as well, and finds what is to be checked. After too many failures in a row,
 * from whatever networks, only a known browser may enter; the one try that exceeds the limit has the owner told.
 */
export async function countTry(
  sql: Sql,
  { email, network, checks, browser }: { email: string; network: string; checks: string; browser: Browser },
): Promise<Try> {
  const [found] = await sql<Try[]>`
    with client as (
      ${count(sql, logIns, network)}
    ), account as (
      ${count(sql, passwordChecks, checks, sql`from client where not is_over`)}
    ), failure as (
      insert into log_in_failure (email, failures)
      select ${email}, 1
      from account
      where not is_over
      on conflict (email) do update set failures = least(log_in_failure.failures + 1, 1000000), failed_at = now()
      returning failures
    ), owner as (
      select usr.usr_id, password_hash, email_verified.usr_id is not null as is_verified
      from usr
      left join email_verified on email_verified.usr_id = usr.usr_id
      where email = ${email}
    ), warned as (
      insert into task (task_type, params)
      select
        'SEND_EMAIL_LOG_IN_BLOCKED',
        jsonb_build_object('usr_id', case when is_verified then usr_id else 0 end::text)
      from failure
      left join owner on true
      where failures = ${failuresInARow} + 1
    ), over as (
      select max(ends_at) as ends_at
      from (select * from client union all select * from account) as counted
      where is_over
    )
    select
      case when owner.usr_id is not null
        then jsonb_build_object('usr_id', owner.usr_id::text, 'password_hash', password_hash)
      end as user,
      coalesce(is_verified and (failures <= ${failuresInARow} or known_browser.usr_id is not null), false) as may_enter,
      case when ends_at is not null then ${secondsUntil(sql, sql`ends_at`)} end as retry_after_seconds
    from over
    left join failure on true
    left join owner on true
    -- Read for an address that is nobody's, too.
    left join known_browser on token_hash = ${browser.hash} and known_browser.usr_id = coalesce(owner.usr_id, 0)
  `;
  return found!;
}

/**
 * Begins the session in place of the browser's former one, forgives the tries, and makes the browser known. Fenced by the hash that was checked,
 * and the address: one that has changed meanwhile lets nobody in.
 */
export async function beginChecked(
  sql: Sql,
  {
    user,
    email,
    checks,
    session,
    former,
    browser,
  }: { user: User; email: string; checks: string; session: NewSession; former: Buffer; browser: Browser },
): Promise<boolean> {
  const rows = await sql`
    with forgiven as (
      ${forgive(sql, passwordChecks, checks)}
    ), cleared as (
      delete from log_in_failure
      -- Counted, so that the locks are taken in the order of all: address, user.
      where (select count(*) from forgiven) < 2 and email = ${email}
      returning email
    ), owner as (
      select usr_id, email, password_hash
      from usr
      where (select count(*) from cleared) < 2
        and usr_id = ${user.usr_id} and email = ${email} and password_hash = ${user.password_hash}
      for key share
    ), ended as (
      delete from session
      using owner
      where token_hash = ${former}
    ), known as (
      ${knowBrowser(sql, browser.hash, sql`owner`)}
    ), told as (
      insert into event (event_type, usr_id)
      select 'LOGGED_IN', usr_id from owner
    ), begun as (
      ${beginSession(sql, session, sql`owner`)}
    )
    select from owner
  `;
  return rows.length === 1;
}
