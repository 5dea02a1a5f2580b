import { randomUUID } from "node:crypto";
import type { Log } from "../log.ts";
import type { Middleware } from "./context.ts";

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
      // A client that disconnected got no status.
      const outcome = ctx.res.writableFinished ? { status: ctx.status } : { aborted: true };
      const ms = Math.round(performance.now() - started);
      ctx.state.log[level]({ method: ctx.method, route, ...outcome, ms }, "request");
    });
    await next();
  };
}

/** Throws 503 when the response takes too long, 408 when the request does. */
export function setDeadline(seconds: number): Middleware {
  return async (ctx, next) => {
    const controller = new AbortController();
    ctx.state.deadline = controller.signal;
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const status = ctx.req.complete ? 503 : 408;
      const error = Object.assign(new Error(`No response within ${seconds} s.`), { status });
      controller.abort(error);
      reject(error);
    }, seconds * 1000);

    try {
      await Promise.race([next(), expired]);
    } finally {
      clearTimeout(timer);
    }
  };
}
