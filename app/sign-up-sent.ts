import { normaliseEmail, problemWithEmail } from "./email.ts";
import type { Context, Middleware } from "./http.ts";
import { page } from "./page.ts";

/** Keeps the address for the next page, in the browser alone: in a URL it would end up in logs and histories. */
export function rememberAddress(ctx: Context, email: string, origin: string): void {
  const isHttps = origin.startsWith("https:");
  // TLS may end at a proxy in front.
  ctx.cookies.secure = isHttps;
  ctx.cookies.set(cookieName(origin), Buffer.from(email).toString("base64url"), {
    httpOnly: true,
    sameSite: "lax",
    secure: isHttps,
    maxAge: 60 * 60 * 1000,
    overwrite: true,
  });
}

export function showSignUpSent(origin: string): Middleware {
  return async (ctx) => {
    const email = normaliseEmail(Buffer.from(ctx.cookies.get(cookieName(origin)) ?? "", "base64url").toString());
    await page(ctx, "sign-up-sent", {
      title: "Check your inbox",
      email: problemWithEmail(email) ? undefined : email,
    });
  };
}

function cookieName(origin: string): string {
  return origin.startsWith("https:") ? "__Host-sent_to" : "sent_to";
}
