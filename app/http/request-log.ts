import { randomUUID } from "node:crypto";
import type { Middleware } from "./context.ts";
import type { Log } from "../log.ts";

const unlogged = new Set(["/healthz", "/readyz", "/assets/:hash/:name"]);

/** One line per request, with the route's pattern: a URL may hold a token, a body a password. */
export function logRequests(log: Log): Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    ctx.state.requestId = randomUUID();
    ctx.state.log = log.child({ request_id: ctx.state.requestId });

    ctx.res.once("close", () => {
      const route = String(ctx.routerPath ?? "none");
      const level = unlogged.has(route) ? "debug" : "info";
      // A user who left has had no status.
      const outcome = ctx.res.writableFinished ? { status: ctx.status } : { aborted: true };
      ctx.state.log[level](
        { method: ctx.method, route, ...outcome, ms: Math.round(performance.now() - started) },
        "request",
      );
    });
    await next();
  };
}
