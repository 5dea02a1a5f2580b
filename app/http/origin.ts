import type { Context, Middleware } from "./context.ts";
import { Refused } from "./errors.ts";

/**
 * With an https origin: redirects a GET or HEAD that came by http to the same path there. Others get 403. Probes inside a
 * network may come through a proxy that ends no TLS, and count a redirect as a failure: their paths are let through.
 */
export function requireHttps(origin: string, morePaths: string[]): Middleware {
  if (!origin.startsWith("https:")) return (_, next) => next();
  const probes = new Set(["/healthz", "/readyz", ...morePaths]);

  return async (ctx, next) => {
    if (!isPlain(ctx) || probes.has(ctx.path)) {
      await next();
      return;
    }
    // A redirect would repeat the form over https, and hide that its first copy was sent unencrypted.
    if (ctx.method !== "GET" && ctx.method !== "HEAD") {
      throw new Refused(
        403,
        "Use https",
        `The request was not encrypted, so we did nothing. Start again from ${origin}.`,
      );
    }
    ctx.status = 308;
    // A request line may name another host, or no path.
    ctx.redirect(ctx.path.startsWith("/") ? `${origin}${ctx.path}${ctx.search}` : `${origin}/`);
  };
}

/** Only if a trusted proxy says so. A proxy that names no scheme may have ended TLS, and a redirect would loop. */
function isPlain(ctx: Context): boolean {
  return ctx.app.proxy && ctx.get("X-Forwarded-Proto") !== "" && !ctx.secure;
}

const safe = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Throws 403 for a request from another site that could change something. The rule comes from CrossOriginProtection in
 * Go 1.25's net/http. It needs no token in the form.
 */
export function refuseOtherSites(origin: string, isDevelopment: boolean): Middleware {
  return (ctx, next) => {
    if (!safe.has(ctx.method) && !isSameSite(ctx, origin, isDevelopment)) ctx.throw(403);
    return next();
  };
}

function isSameSite(ctx: Context, origin: string, isDevelopment: boolean): boolean {
  const site = ctx.get("Sec-Fetch-Site");
  if (site) return site === "same-origin" || site === "none";

  // Browsers omit Sec-Fetch-Site on plain http. A client that sends neither header is not a browser.
  const from = ctx.get("Origin");
  if (!from || from === origin) return true;
  // In development one site has several names: localhost, 127.0.0.1.
  return isDevelopment && URL.canParse(from) && new URL(from).host === ctx.get("Host");
}

const loopback = ["localhost", "127.0.0.1", "[::1]"];

/**
 * For development: throws 421 when the Host is neither this machine's nor the origin's. Any site may resolve its own
 * name to 127.0.0.1 (DNS rebinding), and could then read the inbox.
 */
export function refuseOtherHosts(origin: string): Middleware {
  const hosts = new Set([...loopback, new URL(origin).hostname]);

  return (ctx, next) => {
    const url = `http://${ctx.get("Host")}`;
    if (URL.canParse(url) && hosts.has(new URL(url).hostname)) return next();
    throw new Refused(421, "Unknown host", reason);
  };
}

const reason = "This server does not know that host name. Open it as localhost, or set ORIGIN to that name.";
