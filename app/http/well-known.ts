import { isUnavailable, missingMigrations, type Sql } from "../db/connect.ts";
import type { Middleware } from "./context.ts";

/** Alive: the process responds, whatever the database does. */
export function showHealth(): Middleware {
  return (ctx) => {
    ctx.body = { status: "alive" };
  };
}

/** Ready: the database responds and has every migration of this release; else 503. */
export function showReadiness(sql: Sql): Middleware {
  return async (ctx) => {
    const status = await readiness(sql);
    ctx.status = status === "ready" ? 200 : 503;
    ctx.body = { status };
  };
}

async function readiness(sql: Sql): Promise<string> {
  try {
    const missing = await missingMigrations(sql);
    return missing.length === 0 ? "ready" : `migrations are behind: ${missing.join(", ")}`;
  } catch (error) {
    if (isUnavailable(error)) return "the database is away";
    throw error;
  }
}

/** Password managers open this address to change a password (W3C, "A Well-Known URL for Changing Passwords"). */
export function redirectToChangePassword(): Middleware {
  return (ctx) => {
    ctx.status = 303;
    ctx.redirect("/account/password");
  };
}

const halfYear = 180 * 24 * 3600 * 1000;

/** Where to report a weakness (RFC 9116); 404 without a contact. */
export function showSecurityContact(origin: string, contact: string | undefined): Middleware {
  return (ctx) => {
    if (contact === undefined) return ctx.throw(404);
    ctx.type = "text";
    ctx.body = [
      `Contact: ${contact}`,
      // The RFC asks for a date less than a year ahead; half a year from now holds for as long as the site is
      // deployed.
      `Expires: ${new Date(Date.now() + halfYear).toISOString()}`,
      `Canonical: ${origin}/.well-known/security.txt`,
      "",
    ].join("\n");
  };
}
