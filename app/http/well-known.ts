import type { Middleware } from "./context.ts";

/** Password managers open this address to change a password (W3C, "A Well-Known URL for Changing Passwords"). */
export function redirectToChangePassword(): Middleware {
  return (ctx) => {
    ctx.status = 303;
    ctx.redirect("/account/password");
  };
}

const halfYear = 180 * 24 * 3600 * 1000;

/** Where to report a weakness (RFC 9116), for as long as this is deployed; 404 without a contact. */
export function showSecurityContact(origin: string, contact: string | undefined): Middleware {
  return (ctx) => {
    if (contact === undefined) return ctx.throw(404);
    ctx.type = "text";
    ctx.body = [
      `Contact: ${contact}`,
      // The RFC asks for a date less than a year ahead: a file that nobody looks after expires.
      `Expires: ${new Date(Date.now() + halfYear).toISOString()}`,
      `Canonical: ${origin}/.well-known/security.txt`,
      "",
    ].join("\n");
  };
}
