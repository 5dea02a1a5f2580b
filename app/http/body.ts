import type { IncomingMessage } from "node:http";
import { bodyParser } from "@koa/bodyparser";
import { mediaType, type Context, type Middleware } from "./context.ts";

const limit = "16kb";
const mostLevels = 10;
const accepted = new Set(["application/x-www-form-urlencoded", "application/json"]);

/** Reads a form or a JSON object into `ctx.request.body`. Throws 400 malformed, 413 too large, 415 of another type. */
export function parseBody(): Middleware {
  const parse = bodyParser({ formLimit: limit, jsonLimit: limit });

  return async (ctx, next) => {
    if (!isAccepted(ctx)) ctx.throw(415);
    await parse(ctx, async () => {
      const { body } = ctx.request;
      if (Array.isArray(body) || isDeeper(body, mostLevels)) ctx.throw(400);
      // Bytes that are not UTF-8 would silently become another password.
      if (JSON.stringify(body).includes("\ufffd")) ctx.throw(400);
      await next();
    });
  };
}

function isAccepted(ctx: Context): boolean {
  const charset = ctx.request.charset || "utf-8";
  // Browsers never compress a form.
  return accepted.has(mediaType(ctx)) && /^utf-?8$/i.test(charset) && !ctx.get("Content-Encoding");
}

/** JSON.parse accepts thousands of levels; code that walks them all would run out of stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

// A client may send this much before it reads that it is refused.
const mostBytes = 256 * 1024;
const mostMilliseconds = 1000;

/** Closes the connection if the response came before the end of the request. Otherwise Node reads on without limit. */
export function closeUnread(): Middleware {
  return async (ctx, next) => {
    await next();
    // A client whose connection is reset while it sends may never see the response.
    if (!ctx.req.complete) await discardRest(ctx.req);
    if (!ctx.req.complete) ctx.set("Connection", "close");
  };
}

/** Reads and drops the rest of a body, up to a size and a time. */
async function discardRest(request: IncomingMessage): Promise<void> {
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
