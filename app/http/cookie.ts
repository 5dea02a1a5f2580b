import type { Context } from "./context.ts";

/** Sets a cookie that no script can read and, under an https origin, no other host can set (`__Host-`, Secure). */
export function setCookie(ctx: Context, name: string, value: string, maxAgeSeconds: number): void {
  const isHttps = ctx.state.origin.startsWith("https:");
  // Otherwise Koa refuses a secure cookie where TLS ends at a proxy.
  ctx.cookies.secure = isHttps;
  ctx.cookies.set(fullName(ctx, name), value, {
    httpOnly: true,
    sameSite: "lax",
    secure: isHttps,
    maxAge: maxAgeSeconds * 1000,
    overwrite: true,
  });
}

/** The cookie's value, or an empty string. */
export function readCookie(ctx: Context, name: string): string {
  return ctx.cookies.get(fullName(ctx, name)) ?? "";
}

function fullName(ctx: Context, name: string): string {
  return ctx.state.origin.startsWith("https:") ? `__Host-${name}` : name;
}
