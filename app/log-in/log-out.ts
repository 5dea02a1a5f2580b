import { accepted } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { clearSession, sessionHash } from "./session.ts";

/** Ends the session of this browser, if it has one. */
export function logOut(sql: Sql): Middleware {
  return async (ctx) => {
    await sql`
      delete from session
      where token_hash = ${sessionHash(ctx)}
    `;
    clearSession(ctx);
    accepted(ctx, "/");
  };
}
