import type { Middleware } from "./http.ts";
import { page } from "./page.ts";

export function showHome(): Middleware {
  return (ctx) => page(ctx, "home", { title: "Welcome" });
}
