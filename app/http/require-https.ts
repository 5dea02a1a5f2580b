import { Refused } from "./errors.ts";
import type { Context, Middleware } from "./context.ts";

// Probes inside a network may pass a proxy that ends no TLS, and count a redirect as a failure.
const probes = new Set(["/healthz", "/readyz", "/metrics"]);

/** Under an https origin: sends GET and HEAD that came by plain http to the same path there, and throws 403 for the rest. */
export function requireHttps(origin: string): Middleware {
  if (!origin.startsWith("https:")) return (_, next) => next();

  return async (ctx, next) => {
    if (isPlain(ctx) && !probes.has(ctx.path)) return leadToHttps(ctx, origin);
    await next();
  };
}

/**
 * By what a trusted proxy says, and by nothing else: a proxy that does not name the scheme may well have ended TLS, and a redirect
 * would lead back to it for ever.
 */
function isPlain(ctx: Context): boolean {
  return ctx.app.proxy && ctx.get("X-Forwarded-Proto") !== "" && !ctx.secure;
}

function leadToHttps(ctx: Context, origin: string): void {
  // Redirected, a form would be sent once more, and nobody would notice that the first time everybody could read it.
  if (ctx.method !== "GET" && ctx.method !== "HEAD") throw new Refused(403, "Use https", `${reason} ${origin}.`);
  ctx.status = 308;
  // A request line may name another host, or no path.
  ctx.redirect(ctx.path.startsWith("/") ? `${origin}${ctx.path}${ctx.search}` : `${origin}/`);
}

const reason = "The request was not encrypted, so nothing was done. Please start again from";
