import { bodyParser } from "@koa/bodyparser";
import type { Middleware } from "./http.ts";

const limit = "16kb";
const accepted = new Set(["application/x-www-form-urlencoded", "application/json"]);

/** Reads a form or a JSON object into `ctx.request.body`. Throws 400 malformed, 413 too large, 415 of another type. */
export function parseBody(): Middleware {
  const parse = bodyParser({ formLimit: limit, jsonLimit: limit });

  return async (ctx, next) => {
    if (!accepted.has(ctx.request.type)) ctx.throw(415);
    await parse(ctx, async () => {
      if (Array.isArray(ctx.request.body)) ctx.throw(400);
      await next();
    });
  };
}
