import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../dev/postgres.ts";
import { endWithRun, isAlive } from "../support/processes.ts";
import { until } from "../support/until.ts";

const data = await mkdtemp(`${tmpdir()}/signup-data-`);

const commands = [
  ["npm", "test", "--", "test/worker/three-workers.test.ts"],
  ["npm", "run", "test:chaos", "--", "test/chaos/outage.test.ts"],
  ["npm", "run", "bench", "--", "--quick", "--only", "queue-drained"],
  ["npm", "run", "dev", "--", data],
  [process.execPath, "bench/main.ts", "--quick", "--only", "queue-drained"],
];
// `timeout` and a terminal signal the whole group, a supervisor signals the parent.
const signals = [
  ["SIGTERM", "the group"],
  ["SIGINT", "the group"],
  ["SIGTERM", "the parent"],
  ["SIGINT", "the parent"],
] as const;

describe.each(commands)("%s %s %s %s %s", (...command) => {
  it.each(signals)("leaves no process and no folder after %s to %s", async (signal, target) => {
    const [program, ...words] = command as [string, ...string[]];
    const outer = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$)/.test(name));
    const env = { ...Object.fromEntries(outer), PORT: String(await freePort()) };
    const child = spawn(program, words, { env, detached: true, stdio: "ignore" });
    endWithRun(child);
    onTestFinished(() => void (isAlive(-child.pid!) && process.kill(-child.pid!, "SIGKILL")));

    const folders = await until("it has a folder", () => (words[1] === "dev" ? [data] : keptFolders(child.pid!)), 120);
    const postmaster = await until("its server runs", () => postmasterOf(folders[0]!), 60);
    const all = await descendants(child.pid!);
    process.kill(target === "the group" ? -child.pid! : child.pid!, signal);

    const kept = folders.filter((folder) => folder !== data);
    await until("nothing is left", () => ![...all, postmaster].some(isAlive) && !kept.some(existsSync), 40);
    expect(await descendants(child.pid!)).toEqual([]);
  });
});

/** The folders of the keeper that this process started. */
async function keptFolders(pid: number): Promise<string[] | undefined> {
  for (const one of await descendants(pid)) {
    const words = (await readFile(`/proc/${one}/cmdline`, "utf8").catch(() => "")).split("\0");
    const keeper = words.findIndex((word) => word.endsWith("/dev/keeper.ts"));
    if (keeper > 0) return words.slice(keeper + 1, -1);
  }
  return undefined;
}

async function descendants(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = children.split(" ").filter(Boolean).map(Number);
  return [...pids, ...(await Promise.all(pids.map(descendants))).flat()];
}

async function postmasterOf(folder: string): Promise<number | undefined> {
  const [pid, ...lines] = (await readFile(`${folder}/postgres/postmaster.pid`, "utf8").catch(() => "")).split("\n");
  return lines.some((line) => line.startsWith("ready")) ? Number(pid) : undefined;
}
