import { readCookie, setCookie } from "../http/cookie.ts";
import type { Context } from "../http/context.ts";
import { hashToken } from "../token.ts";

const name = "signup";
const thirtyDays = 30 * 24 * 3600;

/** Marks the browser of a signup: there, and nowhere else, the password chosen then is taken for its owner's. */
export function rememberBrowser(ctx: Context, token: string): void {
  setCookie(ctx, name, token, thirtyDays);
}

/** What `usr.browser_hash` is in this browser, if its signup wrote that user. */
export function browserHash(ctx: Context): Buffer {
  return hashToken(readCookie(ctx, name));
}
