import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import type { Passwords } from "./password.ts";
import { normalisePassword } from "./password-rules.ts";
import { count, secondsUntil, sessionChecks } from "../http/throttle.ts";

type Checked = { hash?: string; retryAfterSeconds?: number };

export const wrongPassword = "This is not your password.";

/**
 * Asks for the user's password once more, before what a stranger at an open browser must not do. Tries count per session: no
 * other one, and no log-in elsewhere, uses them up. Returns the hash that was checked: the statement that comes next does its work only while it is still that one.
 */
export async function checkPassword(sql: Sql, passwords: Passwords, ctx: Context, typed: string): Promise<Checked> {
  const { usr_id, session_id } = ctx.state.user;
  const [owner] = await sql<{ password_hash: string; retry_after_seconds: number | null }[]>`
    with check_of as (
      ${count(sql, sessionChecks, session_id)}
    )
    select password_hash, case when is_over then ${secondsUntil(sql, sql`ends_at`)} end as retry_after_seconds
    from check_of
    cross join usr
    where usr_id = ${usr_id}
  `;
  if (owner?.retry_after_seconds) return { retryAfterSeconds: owner.retry_after_seconds };

  const isRight = await passwords.verify(owner?.password_hash, normalisePassword(typed), ctx.state.deadline);
  return owner && isRight ? { hash: owner.password_hash } : {};
}
