import { z } from "zod";
import type { Context } from "../http.ts";

const params = z.record(z.string(), z.string());

/** What the route's pattern has found in the path under this name, decoded. */
export function param(ctx: Context, name: string): string {
  return params.parse(ctx.params)[name] ?? "";
}
