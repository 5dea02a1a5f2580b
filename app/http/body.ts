import { bodyParser } from "@koa/bodyparser";
import { mediaType, type Context, type Middleware } from "./context.ts";

const limit = "16kb";
const deepest = 10;
const accepted = new Set(["application/x-www-form-urlencoded", "application/json"]);

/** Reads a form or a JSON object into `ctx.request.body`. Throws 400 malformed, 413 too large, 415 of another type. */
export function parseBody(): Middleware {
  const parse = bodyParser({ formLimit: limit, jsonLimit: limit });

  return async (ctx, next) => {
    if (!isAccepted(ctx)) ctx.throw(415);
    await parse(ctx, async () => {
      const { body } = ctx.request;
      if (Array.isArray(body) || !isShallow(body)) ctx.throw(400);
      // Bytes that are not UTF-8 would turn a password into another one without a word.
      if (JSON.stringify(body).includes("\ufffd")) ctx.throw(400);
      await next();
    });
  };
}

function isAccepted(ctx: Context): boolean {
  const charset = ctx.request.charset || "utf-8";
  // No browser compresses a form.
  return accepted.has(mediaType(ctx)) && /^utf-?8$/i.test(charset) && !ctx.get("Content-Encoding");
}

/** Level by level: JSON.parse takes thousands of levels, and a function that calls itself for each runs out of stack. */
function isShallow(body: unknown): boolean {
  let level = [body];
  for (let depth = 0; depth <= deepest; depth += 1) {
    level = level.flatMap(valuesIn);
    if (level.length === 0) return true;
  }
  return false;
}

function valuesIn(value: unknown): unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value) : [];
}
