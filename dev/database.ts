import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { connect } from "../app/db/connect.ts";
import { projectName } from "../app/env.ts";
import { isAlive } from "./lock.ts";
import { startPostgres } from "./postgres.ts";

const databaseName = projectName.replaceAll("-", "_");

/** A Postgres with its data in the folder, and the site's database in it. */
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

/** Runs `migrations/migrate.ts`, which prints what it did. If it fails, throws an error that ends with the advice. */
export async function migrate(env: NodeJS.ProcessEnv, advice = ""): Promise<void> {
  const script = `${import.meta.dirname}/../migrations/migrate.ts`;
  // A process group of its own: Ctrl-C must not interrupt it. It is short, and the caller stops after it.
  const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "inherit", "inherit"], detached: true });
  await once(child, "exit");
  if (child.exitCode !== 0) throw new Error(`Stopped, because the migrations failed.${advice}`);
}

/**
 * The environment of a command in the shell. Outside production, DATABASE_URL defaults to the database of the running
 * `npm run dev`. Throws if that is not running.
 */
export async function withDatabase(env = process.env): Promise<NodeJS.ProcessEnv> {
  if (env.DATABASE_URL || env.NODE_ENV === "production") return env;
  const DATABASE_URL = await findDatabase();
  if (!DATABASE_URL) throw new Error("npm run dev is not running. Start it, or set DATABASE_URL.");
  return { ...env, DATABASE_URL };
}

async function findDatabase(): Promise<string | undefined> {
  const data = fileURLToPath(new URL("../.data", import.meta.url));
  const [password, postmaster] = await Promise.all(
    ["postgres.password", "postgres/postmaster.pid"].map((name) => readFile(`${data}/${name}`, "utf8").catch(() => "")),
  );
  // Its first line is the process id, its fourth the port.
  const [pid, , , port] = postmaster!.split("\n");
  if (!password || !port || !isAlive(Number(pid))) return undefined;
  return `postgres://postgres:${password}@127.0.0.1:${port}/${databaseName}`;
}
