import { randomUUID } from "node:crypto";
import type { Middleware } from "./http.ts";
import type { Log } from "./log.ts";

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
      const milliseconds = Math.round(performance.now() - started);
      ctx.state.log[level]({ method: ctx.method, route, status: ctx.status, ms: milliseconds }, "request");
    });
    await next();
  };
}
