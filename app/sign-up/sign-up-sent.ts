import { readCookie, setCookie } from "../http/cookie.ts";
import { normaliseEmail, problemWithEmail } from "./email.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";

/** Keeps the address for the next page, in the browser alone: in a URL it would end up in logs and histories. */
export function rememberAddress(ctx: Context, email: string): void {
  setCookie(ctx, "sent_to", Buffer.from(email).toString("base64url"), 3600);
}

/** The address that this browser entered last, if it still knows one. */
export function rememberedAddress(ctx: Context): string | undefined {
  const email = normaliseEmail(Buffer.from(readCookie(ctx, "sent_to"), "base64url").toString());
  return problemWithEmail(email) ? undefined : email;
}

export function showSignUpSent(): Middleware {
  return (ctx) => page(ctx, "sign-up/sign-up-sent", { title: "Check your inbox", email: rememberedAddress(ctx) });
}
