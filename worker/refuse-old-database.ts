import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable, missingMigrations, type Sql } from "../app/db/connect.ts";
import type { Log } from "../app/log.ts";

/** Exits 1 before a database that is older than this release. One that is away is waited for; a newer one is well. */
export async function refuseOldDatabase(sql: Sql, log: Log): Promise<void> {
  for (;;) {
    try {
      const missing = await missingMigrations(sql);
      if (missing.length === 0) return;
      log.fatal({ missing }, "the database is older than this release: migrate first");
      process.exit(1);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      log.error({ err: error }, "the database is away; trying again");
      await delay(500);
    }
  }
}
