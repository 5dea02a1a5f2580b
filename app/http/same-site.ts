import type { Context, Middleware } from "./context.ts";

const safe = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Throws 403 for a request of another site that could change something.
 * The rule is that of Go 1.25's net/http CrossOriginProtection; it needs no token in the form.
 */
export function refuseOtherSites(origin: string, isDevelopment: boolean): Middleware {
  return async (ctx, next) => {
    if (!safe.has(ctx.method) && !isOwn(ctx, origin, isDevelopment)) ctx.throw(403);
    await next();
  };
}

function isOwn(ctx: Context, origin: string, isDevelopment: boolean): boolean {
  const site = ctx.get("Sec-Fetch-Site");
  if (site) return site === "same-origin" || site === "none";

  // Browsers leave the first header out on plain http. A client that sends neither is no browser with somebody's cookies.
  const from = ctx.get("Origin");
  if (!from || from === origin) return true;
  // In development one site has several names: localhost, 127.0.0.1.
  return isDevelopment && URL.canParse(from) && new URL(from).host === ctx.get("Host");
}
