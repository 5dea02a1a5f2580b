import { readdir } from "node:fs/promises";
import type { Sql } from "./db.ts";
import type { Middleware } from "./http.ts";

/** Alive: the process answers, whatever the database does. */
export function showHealth(): Middleware {
  return (ctx) => {
    ctx.body = { status: "alive" };
  };
}

/** Ready: the database answers and knows every migration of this release; else 503. */
export function showReadiness(sql: Sql): Middleware {
  const known = readdir(new URL("../migrations/", import.meta.url));

  return async (ctx) => {
    const files = (await known).filter((name) => name.endsWith(".sql"));
    const [row] = await sql<{ applied: string }[]>`
      select count(*) as applied
      from migration
      where name = any(${files})
    `;
    const isCurrent = Number(row?.applied) === files.length;
    ctx.status = isCurrent ? 200 : 503;
    ctx.body = { status: isCurrent ? "ready" : "migrations are behind" };
  };
}
