import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import { connect, type Sql } from "../../app/db.ts";
import { cleanUp } from "./clean-up.ts";

/** A database of this test file's own, cloned from the migrated template, dropped after it (or after the test that asks for it). */
export async function createDatabase(template = "migrated"): Promise<{ sql: Sql; url: string }> {
  const admin = postgres(`${inject("serverUrl")}postgres`, { max: 1, onnotice: () => {} });
  const name = `test_${randomUUID()}`;
  await admin`create database ${admin(name)} template ${admin(template)}`;

  const url = inject("serverUrl") + name;
  const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 10 }, "test");
  cleanUp(async () => {
    await sql.end();
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end();
  });
  return { sql, url };
}

export async function empty(sql: Sql): Promise<void> {
  await sql`truncate
      usr, task, task_error, task_dead, worker, throttle, mail_stop, event, event_consumer, webhook
    restart identity cascade`;
}
