import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { startPostgres } from "../../dev/postgres.ts";
import { makeScratch } from "../../dev/scratch-folder.ts";
import { runMigrations } from "./processes.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of the database server; the name of a database is to be appended. */
    serverUrl: string;
    /** The same of a pgbouncer before it, if the tests run behind one. */
    poolerUrl?: string;
  }
}

/** One real Postgres for the whole run, with a migrated template that each file clones. */
export default async function setup(project: Pick<TestProject, "provide">): Promise<() => Promise<void>> {
  const scratch = await makeScratch([await roomyMemory(), tmpdir()], "signup-test-");
  const [inMemory, onDisk] = scratch.folders as [string, string];
  // For the processes that run the tests: however they end, their folders and servers are removed with this one.
  process.env.TMPDIR = onDisk;
  const server = await startPostgres(inMemory, { durable: false });
  const admin = postgres(server.url("postgres"), { max: 1 });
  await admin`create database migrated`;
  await admin.end();
  await runMigrations(server.url("migrated"));
  project.provide("serverUrl", server.url(""));

  return () => scratch[Symbol.asyncDispose]();
}

/** A folder in memory if there is room: the hundreds of files of a database are created 20 times faster there. */
async function roomyMemory(): Promise<string> {
  const room = await statfs("/dev/shm").catch(() => undefined);
  return room && room.bavail * room.bsize > 6 * 2 ** 30 ? "/dev/shm" : tmpdir();
}
