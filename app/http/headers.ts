import helmet from "koa-helmet";
import type { Middleware } from "./context.ts";

const none = ["'none'"];
const self = ["'self'"];

// We use none of these, so no injected script may ask for them.
const permissions = ["camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb"]
  .map((feature) => `${feature}=()`)
  .join(", ");

/** Caching and security headers for every response; HSTS under an https origin only. */
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
    // With no-referrer, browsers send our own forms with "Origin: null".
    referrerPolicy: { policy: "same-origin" },
  });

  return async (ctx, next) => {
    ctx.set("Permissions-Policy", permissions);
    // Routes may override this. Personal data must not stay in a cache.
    ctx.set("Cache-Control", "no-store");
    await setSecurityHeaders(ctx, next);
  };
}
