import type { Middleware } from "./context.ts";

/** Throws 503 when the answer is not there in time, 408 when the request itself is not. */
export function setDeadline(seconds: number): Middleware {
  return async (ctx, next) => {
    const controller = new AbortController();
    ctx.state.deadline = controller.signal;
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // A body that never comes is the client's own delay.
      const status = ctx.req.complete ? 503 : 408;
      const error = Object.assign(new Error(`No answer within ${seconds} s.`), { status });
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
