import { chown, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { freePort, runUnprivileged } from "../../dev/postgres.ts";
import { cleanUp } from "./clean-up.ts";

export type Pair = {
  /** Names both servers, the standby first. */
  url: string;
  /** The standby only. */
  standbyUrl: string;
  /** kill -9 of the primary's postmaster. */
  killPrimary(): Promise<void>;
  /** The same of the standby. */
  killStandby(): Promise<void>;
  /** Makes the standby accept writes. */
  promote(): Promise<void>;
};

const packages = "/usr/lib/postgresql";
const nobody = 65_534;

/** The folder of the programs of the system's newest PostgreSQL, if there is one. */
export async function findServerPrograms(): Promise<string | undefined> {
  const versions = await readdir(packages).catch((): string[] => []);
  const newest = versions.map(Number).toSorted((a, b) => b - a)[0];
  const programs = `${packages}/${newest}/bin`;
  const names = await readdir(programs).catch((): string[] => []);
  const areAll = ["initdb", "pg_ctl", "pg_basebackup"].every((name) => names.includes(name));
  return areAll ? programs : undefined;
}

/** A primary with a synchronous standby: no commit is acknowledged before the standby has it. */
export async function startPair(): Promise<Pair> {
  const programs = (await findServerPrograms())!;
  const folder = await mkdtemp(`${tmpdir()}/signup-pair-`);
  if (process.getuid?.() === 0) await chown(folder, nobody, nobody);
  const [primary, standby] = [`${folder}/primary`, `${folder}/standby`];
  const [port, standbyPort] = [await freePort(), await freePort()];
  const call = (program: string, ...args: string[]) => runUnprivileged(`${programs}/${program}`, args);
  const start = (data: string, at: number, more = "") =>
    call("pg_ctl", "-D", data, "-w", "-s", "start", "-l", `${data}.log`, "-o", `-p ${at} -h 127.0.0.1 -k '' ${more}`);
  const stop = (data: string) => call("pg_ctl", "-D", data, "-w", "-s", "stop", "-m", "immediate").catch(() => {});
  cleanUp(async () => {
    await Promise.all([primary, standby].map(stop));
    await rm(folder, { recursive: true, force: true });
  });

  await call("initdb", "-D", primary, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale");
  await start(primary, port, "-c max_connections=200");
  const line = `host=127.0.0.1 port=${port} user=postgres application_name=standby`;
  await call("pg_basebackup", "-D", standby, "-d", line, "-R", "-X", "stream", "-c", "fast");
  await start(standby, standbyPort, "-c max_connections=200");
  await stop(primary);
  await start(primary, port, "-c max_connections=200 -c synchronous_standby_names=standby");

  return {
    url: `postgres://postgres@127.0.0.1:${standbyPort},127.0.0.1:${port}/postgres`,
    standbyUrl: `postgres://postgres@127.0.0.1:${standbyPort}/postgres`,
    killPrimary: () => kill(primary),
    killStandby: () => kill(standby),
    promote: () => call("pg_ctl", "-D", standby, "-w", "-s", "promote"),
  };
}

async function kill(data: string): Promise<void> {
  const [pid] = (await readFile(`${data}/postmaster.pid`, "utf8")).split("\n");
  process.kill(Number(pid), "SIGKILL");
}
