import { access } from "node:fs/promises";
import { findServerPrograms } from "../standby.ts";
import { runProgram, type Process } from "../processes.ts";
import { supervise, type Member } from "../storm/member.ts";
import { unprivileged } from "../../../dev/postgres.ts";

/** A program of a cluster under its supervisor, with its log in a file. */
export type Program = Member & { log: string };

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

/** Debian packages, and whether each is installed. */
const packages = {
  patroni: () => isThere("/usr/bin/patroni"),
  "etcd-server": () => isThere("/usr/bin/etcd"),
  haproxy: () => isThere("/usr/sbin/haproxy"),
  pgbouncer: () => isThere("/usr/sbin/pgbouncer"),
  postgresql: async () => (await findServerPrograms()) !== undefined,
};

/**
 * Why tests that need these packages are skipped, or undefined. On a machine that must run them (CLUSTER_REQUIRED=1), a
 * missing package is an error.
 */
export async function reasonToSkip(
  needed = Object.keys(packages) as (keyof typeof packages)[],
): Promise<string | undefined> {
  const missing: string[] = [];
  for (const name of needed) if (!(await packages[name]())) missing.push(name);
  if (missing.length === 0) return undefined;
  const reason = `these packages are missing (Debian: apt-get install ${missing.join(" ")})`;
  if (process.env["CLUSTER_REQUIRED"]) throw new Error(`CLUSTER_REQUIRED is set, but ${reason}`);
  console.log(`skipped: ${reason}`);
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
