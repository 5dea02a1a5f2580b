import type { Sql } from "./db.ts";
import { beginSession, type NewSession } from "./session.ts";
import { count, forgiveChecks, logIns, passwordChecks, secondsUntil } from "./throttle.ts";

type User = { usr_id: string; password_hash: string };
type Try = { user: User | null; is_verified: boolean; retry_after_seconds: number | null };

/** Counts the try, for an address that is nobody's as well, and finds what is to be checked. */
export async function countTry(
  sql: Sql,
  { email, network, checks }: { email: string; network: string; checks: string },
): Promise<Try> {
  const [found] = await sql<Try[]>`
    with client as (
      ${count(sql, logIns, network)}
    ), account as (
      ${count(sql, passwordChecks, checks, sql`from client where not is_over`)}
    ), over as (
      select max(ends_at) as ends_at
      from (select * from client union all select * from account) as counted
      where is_over
    )
    select
      case when usr.usr_id is not null
        then jsonb_build_object('usr_id', usr.usr_id::text, 'password_hash', password_hash)
      end as user,
      email_verified.usr_id is not null as is_verified,
      case when ends_at is not null then ${secondsUntil(sql, sql`ends_at`)} end as retry_after_seconds
    from over
    left join usr on usr.email = ${email}
    left join email_verified on email_verified.usr_id = usr.usr_id
  `;
  return found!;
}

/**
 * Begins the session in place of the browser's former one, and forgives the tries. Fenced by the hash that was checked,
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
  }: { user: User; email: string; checks: string; session: NewSession; former: Buffer },
): Promise<boolean> {
  const rows = await sql`
    with forgiven as (
      ${forgiveChecks(sql, checks)}
    ), owner as (
      select usr_id, email, password_hash
      from usr
      -- Counted, so that the locks are taken in the order of all: address, user.
      where (select count(*) from forgiven) < 2
        and usr_id = ${user.usr_id} and email = ${email} and password_hash = ${user.password_hash}
      for key share
    ), ended as (
      delete from session
      using owner
      where token_hash = ${former}
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
