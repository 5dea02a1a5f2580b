import helmet from "koa-helmet";
import type { Middleware } from "./context.ts";

const none = ["'none'"];
const self = ["'self'"];

// We use none of these, so no script that gets in may ask for them. Passkeys stay allowed: the default lets our own pages use them.
const permissions = ["camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb"]
  .map((feature) => `${feature}=()`)
  .join(", ");

/** Caching and security headers for every answer; HSTS under an https origin only. */
export function setHeaders(origin: string): Middleware {
  const isHttps = origin.startsWith("https:");
  const setSecurityHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: none,
        baseUri: none,
        connectSrc: self,
        formAction: self,
        frameAncestors: none,
        imgSrc: self,
        scriptSrc: self,
        styleSrc: self,
      },
    },
    strictTransportSecurity: isHttps && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    xFrameOptions: { action: "deny" },
    // Not no-referrer: under that, browsers send our own forms with "Origin: null".
    referrerPolicy: { policy: "same-origin" },
  });

  return async (ctx, next) => {
    ctx.set("Permissions-Policy", permissions);
    // Unless a route knows better: what is a person's own must not stay in a cache.
    ctx.set("Cache-Control", "no-store");
    await setSecurityHeaders(ctx, next);
  };
}
