import { isIPv4, isIPv6 } from "node:net";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "./context.ts";
import { TooManyRequests } from "./errors.ts";

type RateLimit = {
  /** The name of the counter. */
  action: string;
  limit: number;
  minutes: number;
  /** Requests with the same subject are counted together. Default: the client's network. */
  subject?: (ctx: Context) => string;
  /** A request that sets `ctx.state.isPasswordRight` clears the count: only wrong passwords in a row add up. */
  isClearedByPassword?: boolean;
};

/** Throws 429, before any work, when a subject exceeds `limit` requests in the window. Exact over all processes. */
export function rateLimit(sql: Sql, { action, limit, minutes, ...options }: RateLimit): Middleware {
  const { subject: subjectOf = (ctx) => clientNetwork(ctx.ip), isClearedByPassword = false } = options;

  return async (ctx, next) => {
    const subject = subjectOf(ctx);
    const [counted] = await sql<{ is_exceeded: boolean; retry_after_seconds: number }[]>`
      insert into rate_limit (action, subject, hits, ends_at)
      select ${action}::text, ${subject}::text, 1, now() + make_interval(mins => ${minutes})
      -- No wait for the disk: a crash of the database may lose a count.
      from set_config('synchronous_commit', 'off', true)
      on conflict (action, subject) do update set
        hits = case when rate_limit.ends_at <= now() then 1 else least(rate_limit.hits + 1, 1000000) end,
        ends_at = case when rate_limit.ends_at <= now() then excluded.ends_at else rate_limit.ends_at end
      returning
        hits > ${limit} as is_exceeded,
        greatest(1, ceil(extract(epoch from ends_at - now())))::int as retry_after_seconds
    `;
    if (counted?.is_exceeded) throw new TooManyRequests(counted.retry_after_seconds);
    await next();

    if (!isClearedByPassword || !ctx.state.isPasswordRight) return;
    await sql`
      delete from rate_limit
      where action = ${action} and subject = ${subject}
    `;
  };
}

/**
 * Requests of one network are counted together: an IPv4 address, or the /64 of an IPv6 address, in which one client may use any
 * address. Anything else that a proxy writes is one network, "unknown".
 */
export function clientNetwork(ip: string): string {
  // Some proxies add the port.
  const address = ip.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
  const plain = plainAddress(address);
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return "unknown";
  return `${groupsOf(plain).slice(0, 4).join(":")}::/64`;
}

/** Unwraps an IPv4 address that a dual-stack socket wraps in IPv6 (`::ffff:203.0.113.7`). */
export function plainAddress(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const groups = groupsOf(ip);
  const isMapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  return isMapped ? groups.slice(6).flatMap(bytesOf).join(".") : ip;
}

/** The eight groups in their shortest form. The URL parser reads every notation of an address, but no zones. */
function groupsOf(address: string): string[] {
  const [head = "", tail] = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

function bytesOf(group: string): number[] {
  const number = parseInt(group, 16);
  return [number >> 8, number & 255];
}
