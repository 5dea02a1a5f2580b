import { access } from "node:fs/promises";
import { findServerPrograms } from "../standby.ts";
import { runProgram, type Process } from "../processes.ts";
import { supervise, type Member } from "../storm/member.ts";
import { unprivileged } from "../../../dev/postgres.ts";

/** A program of a cluster under its supervisor, with its log in a file. */
export type Program = Member & { log: string };

const packages = {
  patroni: "/usr/bin/patroni",
  "etcd-server": "/usr/bin/etcd",
  haproxy: "/usr/sbin/haproxy",
  pgbouncer: "/usr/sbin/pgbouncer",
};

/** The Debian packages that a cluster needs and that are not installed. */
async function missingPackages(): Promise<string[]> {
  const names: string[] = [];
  for (const [name, file] of Object.entries(packages)) await access(file).catch(() => names.push(name));
  if (!(await findServerPrograms())) names.push("postgresql");
  return names;
}

/**
 * Why this file's tests are skipped, or undefined. On a machine that must run them (CLUSTER_REQUIRED=1), a missing
 * package is an error.
 */
export async function reasonToSkip(): Promise<string | undefined> {
  const missing = await missingPackages();
  if (missing.length === 0) return undefined;
  const reason = `skipped: these packages are missing (Debian: apt-get install ${missing.join(" ")})`;
  if (process.env["CLUSTER_REQUIRED"]) throw new Error(reason);
  console.log(reason);
  return reason;
}

/** Starts one of the packages' programs in the folder, never as root. It is killed after the test. */
export function startProgram(folder: string, name: string, file: string, args: string[]): Program {
  const log = `${folder}/${name}.log`;
  return Object.assign(
    supervise(name, () => runWithLog(folder, log, file, args)),
    { log },
  );
}

// A file, because Postgres inherits the output of Patroni and outlives it: a pipe would stay open.
function runWithLog(folder: string, log: string, file: string, args: string[]): Process {
  return runProgram(unprivileged("/bin/sh", ["-c", 'exec "$@" >>"$0" 2>&1', log, file, ...args]), {
    cwd: folder,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: folder, LC_ALL: "C.UTF-8" },
  });
}
