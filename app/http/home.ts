import type { Middleware } from "./context.ts";
import { page } from "./page.ts";

export function showHome(): Middleware {
  return (ctx) => page(ctx, "home", { title: "Welcome" });
}
