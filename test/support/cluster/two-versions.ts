import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { freePort, runUnprivileged, startPostgres } from "../../../dev/postgres.ts";
import { cleanUp } from "../clean-up.ts";
import { findServerPrograms } from "../standby.ts";

const nobody = 65_534;

/** The URLs of two empty databases, on the system's PostgreSQL with logical replication, and on the embedded one. */
export async function startTwoVersions(): Promise<{ older: string; newer: string }> {
  const folder = await mkdtemp(`${tmpdir()}/signup-versions-`);
  if (process.getuid?.() === 0) await chown(folder, nobody, nobody);
  cleanUp(() => rm(folder, { recursive: true, force: true }));

  const [programs, port, data] = [await findServerPrograms(), await freePort(), `${folder}/older`];
  const call = (program: string, ...args: string[]) => runUnprivileged(`${programs}/${program}`, ["-D", data, ...args]);
  await call("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale");
  // An old server has used more transaction numbers than a new one: billions more.
  await call("pg_resetwal", "-e", "1");
  const settings = `-p ${port} -h 127.0.0.1 -k '' -c max_connections=200 -c wal_level=logical`;
  await call("pg_ctl", "-w", "-s", "start", "-l", `${data}.log`, "-o", settings);
  cleanUp(() => call("pg_ctl", "-w", "-s", "stop", "-m", "immediate"));

  const newer = await startPostgres(folder, { durable: true });
  cleanUp(() => newer.stop("immediate"));
  return { older: `postgres://postgres@127.0.0.1:${port}/postgres`, newer: newer.url("postgres") };
}
