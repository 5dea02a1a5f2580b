import type { Context } from "./context.ts";

/** Sets a cookie that no script and no other host can read or write (`__Host-`, Secure under an https origin). */
export function setCookie(ctx: Context, name: string, value: string, maxAgeSeconds: number): void {
  const isHttps = ctx.state.origin.startsWith("https:");
  // TLS may end at a proxy in front.
  ctx.cookies.secure = isHttps;
  ctx.cookies.set(fullName(ctx, name), value, {
    httpOnly: true,
    sameSite: "lax",
    secure: isHttps,
    maxAge: maxAgeSeconds * 1000,
    overwrite: true,
  });
}

/** What the browser sent under that name, or an empty text. */
export function readCookie(ctx: Context, name: string): string {
  return ctx.cookies.get(fullName(ctx, name)) ?? "";
}

function fullName(ctx: Context, name: string): string {
  return ctx.state.origin.startsWith("https:") ? `__Host-${name}` : name;
}
