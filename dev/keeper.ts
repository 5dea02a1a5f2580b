import { access, glob, readFile, rm } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

// Outlives the process that started it. Then it kills the processes named by files `<pid>.pid` in its folders, stops
// each Postgres below the folders, and removes the folders. See scratch-folder.ts.

const folders = process.argv.slice(2);
const mostTries = 100;

process.once("disconnect", () => void Promise.all(folders.map(remove)));
process.send?.("ready");

/** Repeats while a starting server still adds files. */
async function remove(folder: string): Promise<void> {
  for await (const file of glob(`${folder}/*.pid`)) send(parseInt(basename(file)), "SIGKILL");
  for (let tries = 0; tries < mostTries; tries += 1) {
    for await (const file of glob(`${folder}/{*,*/*,*/*/*}/postmaster.pid`)) await stopServer(file);
    const isRemoved = await rm(folder, { recursive: true, force: true }).then(
      () => true,
      () => false,
    );
    if (isRemoved) return;
    await delay(50);
  }
}

/** An immediate shutdown: the data is no longer needed. */
async function stopServer(file: string): Promise<void> {
  const [pid] = (await readFile(file, "utf8").catch(() => "")).split("\n");
  for (let tries = 0; tries < mostTries && (await exists(file)); tries += 1) {
    // SIGCONT, because a test may have frozen it.
    if (!send(Number(pid), "SIGQUIT") || !send(Number(pid), "SIGCONT")) return;
    await delay(50);
  }
}

/** Whether there is such a process. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid > 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );
