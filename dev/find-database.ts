import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { databaseName } from "./database.ts";
import { isAlive } from "./lock.ts";

const data = fileURLToPath(new URL("../.data", import.meta.url));

/**
 * The environment of a command that is typed on a developer's machine: with the database that `npm run dev` runs, if it has
 * none. Throws when there is no such database. In production it is left as it is.
 */
export async function withDatabase(env = process.env): Promise<NodeJS.ProcessEnv> {
  if (env.DATABASE_URL || env.NODE_ENV === "production") return env;
  const DATABASE_URL = await findDatabase();
  if (!DATABASE_URL) throw new Error("npm run dev does not run here. Start it, or set DATABASE_URL.");
  return { ...env, DATABASE_URL };
}

async function findDatabase(): Promise<string | undefined> {
  const [password, postmaster] = await Promise.all(
    ["postgres.password", "postgres/postmaster.pid"].map((name) => readFile(`${data}/${name}`, "utf8").catch(() => "")),
  );
  // Its process is in the first line, its port in the fourth.
  const [pid, , , port] = postmaster!.split("\n");
  if (!password || !port || !isAlive(Number(pid))) return undefined;
  return `postgres://postgres:${password}@127.0.0.1:${port}/${databaseName}`;
}
