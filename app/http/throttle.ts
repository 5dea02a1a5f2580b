import type { PendingQuery, Row } from "postgres";
import { clientNetwork } from "./client-network.ts";
import type { Sql } from "../db/connect.ts";
import { wantsJson, type Context } from "./context.ts";

export type Throttle = { action: string; limit: number; seconds: number };
type Fragment = PendingQuery<Row[]>;

const [minute, hour] = [60, 3600];

/** Per client network. */
export const signUps: Throttle = { action: "sign up", limit: 20, seconds: hour };
export const resends: Throttle = { action: "resend", limit: 20, seconds: hour };
export const forgottenPasswords: Throttle = { action: "forgot", limit: 20, seconds: hour };
export const logIns: Throttle = { action: "log in", limit: 10, seconds: 3 * minute };

/** Per session: the password once more. */
export const sessionChecks: Throttle = { action: "check password in session", limit: 5, seconds: 15 * minute };

/** Per address and client network, so that nobody can lock the owner out. */
export const passwordChecks: Throttle = { action: "check password", limit: 5, seconds: 15 * minute };

export const checksOf = (email: string, ctx: Context) => `${email} ${clientNetwork(ctx.ip)}`;

/** Per mailbox: `mailbox_of(email)`, the address without its +tag. */
export const mails: Throttle = { action: "mail", limit: 3, seconds: hour };
/** A count of its own: whoever signs up with another person's address must not keep the reset from its owner. */
export const resetMails: Throttle = { action: "reset mail", limit: 3, seconds: hour };

/**
 * The body of a CTE that counts one hit, in the same statement as the work, and returns `is_over`, `ends_at` and `hits`.
 * Exact over all processes, because the row is locked until the commit. With `from` (`from client where not is_over`)
 * it counts only then, and after that CTE: every statement takes its locks in the order client, address, user.
 */
export function count(
  sql: Sql,
  { action, limit, seconds }: Throttle,
  subject: string | Fragment,
  from: Fragment = sql``,
) {
  return sql`
    insert into rate_limit (action, subject, hits, ends_at)
    select ${action}::text, ${subject}::text, 1, now() + make_interval(secs => ${seconds})
    ${from}
    on conflict (action, subject) do update set
      hits = case when rate_limit.ends_at <= now() then 1 else least(rate_limit.hits + 1, 1000000) end,
      ends_at = case when rate_limit.ends_at <= now() then excluded.ends_at else rate_limit.ends_at end
    returning hits > ${limit} as is_over, ends_at, hits
  `;
}

/** The body of a CTE that clears a count of password tries: a correct password clears the failed ones. */
export const forgive = (sql: Sql, { action }: Throttle, subject: string) => sql`
  delete from rate_limit
  where action = ${action} and subject = ${subject}
  returning subject
`;

/** An expression: whole seconds, at least 1, until a time to come. */
export const secondsUntil = (sql: Sql, time: Fragment) =>
  sql`greatest(1, ceil(extract(epoch from ${time} - now())))::int`;

/** Answers 429, as JSON or by a form that keeps what was entered. */
export async function refuseTooMany(
  ctx: Context,
  retryAfterSeconds: number,
  showForm: (problems: { form: string }) => Promise<void>,
): Promise<void> {
  const minutes = Math.ceil(retryAfterSeconds / minute);
  const message = `Too many tries. Please try again in ${minutes === 1 ? "a minute" : `${minutes} minutes`}.`;
  ctx.status = 429;
  ctx.set("Retry-After", String(retryAfterSeconds));
  if (wantsJson(ctx)) {
    ctx.body = { error: message };
    return;
  }
  await showForm({ form: message });
}
