import type { Sql } from "../db/connect.ts";
import { clientNetwork } from "./client-network.ts";
import type { Context, Middleware } from "./context.ts";
import { TooManyRequests } from "./errors.ts";

type RateLimit = {
  /** The name of the counter. */
  action: string;
  limit: number;
  minutes: number;
  /** Requests with the same subject are counted together. Default: the client's network. */
  subject?: (ctx: Context) => string;
  /** A request that succeeds clears the count: only failures in a row add up. */
  isClearedBySuccess?: boolean;
};

/** Throws 429, before any work, when a subject exceeds `limit` requests in the window. Exact over all processes. */
export function rateLimit(sql: Sql, { action, limit, minutes, ...options }: RateLimit): Middleware {
  const { subject: subjectOf = (ctx) => clientNetwork(ctx.ip), isClearedBySuccess = false } = options;

  return async (ctx, next) => {
    const subject = subjectOf(ctx);
    const [counted] = await sql<{ is_exceeded: boolean; retry_after_seconds: number }[]>`
      insert into rate_limit (action, subject, hits, ends_at)
      values (${action}, ${subject}, 1, now() + make_interval(mins => ${minutes}))
      on conflict (action, subject) do update set
        hits = case when rate_limit.ends_at <= now() then 1 else least(rate_limit.hits + 1, 1000000) end,
        ends_at = case when rate_limit.ends_at <= now() then excluded.ends_at else rate_limit.ends_at end
      returning
        hits > ${limit} as is_exceeded,
        greatest(1, ceil(extract(epoch from ends_at - now())))::int as retry_after_seconds
    `;
    if (counted?.is_exceeded) throw new TooManyRequests(counted.retry_after_seconds);
    await next();

    if (!isClearedBySuccess || ctx.status >= 400) return;
    await sql`
      delete from rate_limit
      where action = ${action} and subject = ${subject}
    `;
  };
}
