import { readCookie, setCookie, wantsJson, type Context, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { normalizeEmail, problemWithEmail } from "./email.ts";

/**
 * Keeps the address for the next page, in a cookie: a URL would end up in logs and histories. A JSON client has no
 * next page.
 */
export function rememberAddress(ctx: Context, email: string): void {
  if (wantsJson(ctx)) return;
  setCookie(ctx, "sent_to", Buffer.from(email).toString("base64url"), 3600);
}

/** The address that this browser entered last, within the hour. */
export function rememberedAddress(ctx: Context): string | undefined {
  const email = normalizeEmail(Buffer.from(readCookie(ctx, "sent_to"), "base64url").toString());
  return problemWithEmail(email) ? undefined : email;
}

export function showSignUpSent(): Middleware {
  return (ctx) => page(ctx, "sign-up/sign-up-sent", { title: "Check your email", email: rememberedAddress(ctx) });
}
