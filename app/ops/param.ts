import { z } from "zod";
import type { Context } from "../http/context.ts";

const params = z.record(z.string(), z.string());

/** What the route's pattern has found in the path under this name, decoded. Throws 404 for a NUL, which no text in Postgres has. */
export function param(ctx: Context, name: string): string {
  const value = params.parse(ctx.params)[name] ?? "";
  if (value.includes("\0")) ctx.throw(404);
  return value;
}
