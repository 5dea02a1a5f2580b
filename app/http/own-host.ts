import { Refused } from "./errors.ts";
import type { Middleware } from "./context.ts";

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/**
 * For development: throws 421 when the Host is neither this machine's nor ORIGIN's. A site anywhere may let its own name resolve to
 * 127.0.0.1 (DNS rebinding), and would read the inbox.
 */
export function refuseOtherHosts(origin: string): Middleware {
  const own = new Set([...loopback, new URL(origin).hostname]);

  return async (ctx, next) => {
    const host = `http://${ctx.get("Host")}`;
    if (!URL.canParse(host) || !own.has(new URL(host).hostname)) throw new Refused(421, "Unknown host", reason);
    await next();
  };
}

const reason = "This machine is not known by that name. Open it as localhost, or set ORIGIN to the name.";
