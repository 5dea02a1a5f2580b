import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { inject } from "vitest";
import { connect, type Sql } from "../../app/db/connect.ts";
import { cleanUp } from "./clean-up.ts";

/** Whether a pgbouncer is before the server: a session then has no connection of its own. */
export const isPooled = inject("poolerUrl") !== undefined;

/** A clone of the migrated template database. It is dropped after the test file, or after the test that creates it. */
export async function createDatabase(template = "migrated"): Promise<{ sql: Sql; url: string }> {
  const admin = postgres(`${inject("serverUrl")}postgres`, { max: 1, onnotice: () => {} });
  const name = `test_${randomUUID()}`;
  // Twice as fast as the default, which writes the log of every block.
  await admin`create database ${admin(name)} template ${admin(template)} strategy file_copy`;

  const pooler = inject("poolerUrl");
  const url = pooler ? `${pooler}${name}?prepare=false` : inject("serverUrl") + name;
  const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 10 }, "test");
  cleanUp(async () => {
    await sql.end();
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end();
  });
  return { sql, url };
}

/** Deletes all rows. `truncate` would create a hundred files again and take a hundred times as long. */
export async function empty(sql: Sql): Promise<void> {
  await sql`
    delete from email_verified;
    delete from usr;
    delete from task;
    delete from task_error;
    delete from task_dead;
    delete from worker;
    delete from attempt_statistics;
    delete from rate_limit;
    delete from email_suppression;
    delete from log_in_failure;
    delete from mail_cause;
    delete from event;
    delete from event_consumer;
    select setval(seqrelid, 1, false) from pg_sequence;
  `.simple();
}
