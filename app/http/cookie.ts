import type { Context } from "./context.ts";

/** Sets a cookie that no script and no other host can read or write (`__Host-`, Secure under an https origin). */
export function setCookie(ctx: Context, origin: string, name: string, value: string, maxAgeSeconds: number): void {
  const isHttps = origin.startsWith("https:");
  // TLS may end at a proxy in front.
  ctx.cookies.secure = isHttps;
  ctx.cookies.set(fullName(origin, name), value, {
    httpOnly: true,
    sameSite: "lax",
    secure: isHttps,
    maxAge: maxAgeSeconds * 1000,
    overwrite: true,
  });
}

/** What the browser sent under that name, or an empty text. */
export function readCookie(ctx: Context, origin: string, name: string): string {
  return ctx.cookies.get(fullName(origin, name)) ?? "";
}

function fullName(origin: string, name: string): string {
  return origin.startsWith("https:") ? `__Host-${name}` : name;
}
