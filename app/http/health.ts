import { isUnavailable, missingMigrations, type Sql } from "../db/connect.ts";
import type { Middleware } from "./context.ts";

/** Alive: the process answers, whatever the database does. */
export function showHealth(): Middleware {
  return (ctx) => {
    ctx.body = { status: "alive" };
  };
}

/** Ready: the database answers and knows every migration of this release; else 503. */
export function showReadiness(sql: Sql): Middleware {
  return async (ctx) => {
    const missing = await missingMigrations(sql).catch((error: unknown) => {
      if (isUnavailable(error)) return undefined;
      throw error;
    });
    ctx.status = missing?.length === 0 ? 200 : 503;
    ctx.body = { status: missing ? words(missing) : "the database is away" };
  };
}

function words(missing: string[]): string {
  return missing.length === 0 ? "ready" : `migrations are behind: ${missing.join(", ")}`;
}
