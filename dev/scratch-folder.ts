import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Folders of their own below the given ones. */
export type Scratch = { folders: string[]; [Symbol.asyncDispose](): Promise<void> };

const keeper = fileURLToPath(new URL("keeper.ts", import.meta.url));

/**
 * New folders, each below one of `parents`. When this process has ended, by whatever signal, a keeper kills the processes
 * that files `<pid>.pid` in them name, stops every Postgres in them, and removes them. At disposal it does so at once.
 */
export async function makeScratch(parents: string[], prefix: string): Promise<Scratch> {
  const folders = await Promise.all(parents.map((parent) => mkdtemp(`${parent}/${prefix}`)));
  // A process group of its own: what ends ours, a terminal's Ctrl-C or `timeout`, does not reach it.
  const child = spawn(process.execPath, [keeper, ...folders], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  const closed = once(child, "exit");
  await once(child, "message");
  return {
    folders,
    async [Symbol.asyncDispose]() {
      // A child whose channel is closed keeps no process alive that waits for it.
      const waiting = setInterval(() => {}, 1000);
      child.disconnect();
      await closed;
      clearInterval(waiting);
    },
  };
}
