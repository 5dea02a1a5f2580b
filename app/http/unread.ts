import type { IncomingMessage } from "node:http";
import type { Middleware } from "./context.ts";

// As much as a client may have under way when it is refused.
const mostBytes = 256 * 1024;
const mostMilliseconds = 1000;

/** Closes the connection after an answer that came before the end of its request: else Node reads on, however much is sent. */
export function closeUnread(): Middleware {
  return async (ctx, next) => {
    await next();
    // A client whose connection is reset while it sends may never see the answer.
    if (!ctx.req.complete) await readOn(ctx.req);
    if (!ctx.req.complete) ctx.set("Connection", "close");
  };
}

/** Reads and forgets the rest of a body, up to a size and a time. */
async function readOn(request: IncomingMessage): Promise<void> {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, mostMilliseconds);
  let bytes = 0;
  request.on("data", ({ length }: Buffer) => {
    bytes += length;
    if (bytes > mostBytes) resolve();
  });
  request.once("end", resolve).once("close", resolve).resume();

  await done;
  clearTimeout(timer);
  request.pause();
}
