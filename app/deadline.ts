import type { Middleware } from "./http.ts";

/** Throws 503 when the answer is not there in time. What still runs then may end, but is not waited for. */
export function setDeadline(seconds: number): Middleware {
  return async (ctx, next) => {
    const controller = new AbortController();
    ctx.state.deadline = controller.signal;
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = Object.assign(new Error(`No answer within ${seconds} s.`), { status: 503 });
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
