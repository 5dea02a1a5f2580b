import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { startPostgres } from "../../dev/postgres.ts";
import { cleanUp } from "./clean-up.ts";
import { runMigrations } from "./processes.ts";

/** A migrated server for one test, which can stop or freeze it. It is durable: a crash must not lose a commit. */
export async function startOwnServer() {
  const folder = await mkdtemp(`${tmpdir()}/signup-outage-`);
  const server = await startPostgres(folder, { durable: true });
  const url = server.url("postgres");
  await runMigrations(url);
  cleanUp(async () => {
    await server.stop("immediate");
    await rm(folder, { recursive: true, force: true });
  });
  return { ...server, url, freeze: () => freeze(folder) };
}

/** Stops every process of the server. The returned function resumes them. */
async function freeze(folder: string): Promise<() => void> {
  const pids = await serverPids(folder);
  const send = (signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // The process has ended.
      }
    }
  };
  send("SIGSTOP");
  return () => send("SIGCONT");
}

/** The postmaster and its children. */
async function serverPids(folder: string): Promise<number[]> {
  const [postmaster] = (await readFile(`${folder}/postgres/postmaster.pid`, "utf8")).split("\n");
  const pids: number[] = [];
  for (const name of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    if (stat.split(") ")[1]?.split(" ")[1] === postmaster) pids.push(Number(name));
  }
  return [Number(postmaster), ...pids];
}
