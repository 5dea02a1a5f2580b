import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "../app/db/connect.ts";
import { startPostgres } from "./postgres.ts";

export const databaseName = "slim_signup";

/** A Postgres that keeps its data in the folder, with a database for the site. */
export async function startDatabase(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const postgres = await startPostgres(folder, { durable: true });
  try {
    await createDatabase(postgres.url("postgres"));
  } catch (error) {
    await postgres.stop();
    throw error;
  }
  return { url: postgres.url(databaseName), stop: () => postgres.stop() };
}

async function createDatabase(url: string): Promise<void> {
  const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "dev");
  try {
    const known = await sql`select from pg_database where datname = ${databaseName}`;
    if (known.length === 0) await sql`create database ${sql(databaseName)}`;
  } finally {
    await sql.end();
  }
}

/** Runs `migrations/migrate.ts`, which says what it did. Throws when it failed. */
export async function migrate(env: NodeJS.ProcessEnv): Promise<void> {
  const script = `${import.meta.dirname}/../migrations/migrate.ts`;
  // Out of Ctrl-C's reach: it is short, and whoever waits for it stops afterwards.
  const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "inherit", "inherit"], detached: true });
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error("Stopped, because the database is not migrated.");
}
