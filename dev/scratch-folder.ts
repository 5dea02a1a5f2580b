import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** Temporary folders. */
export type Scratch = { folders: string[]; [Symbol.asyncDispose](): Promise<void> };

const keeper = fileURLToPath(new URL("keeper.ts", import.meta.url));

/**
 * Creates a folder below each of `parents`. When this process ends, by any signal, a keeper kills the processes named
 * by files `<pid>.pid` in the folders, stops every Postgres in them, and removes them. Disposal does it at once.
 */
export async function makeScratch(parents: string[], prefix: string): Promise<Scratch> {
  const folders = await Promise.all(parents.map((parent) => mkdtemp(`${parent}/${prefix}`)));
  // A process group of its own: Ctrl-C and `timeout` do not reach it.
  const child = spawn(process.execPath, [keeper, ...folders], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
  const closed = once(child, "exit");
  await once(child, "message");
  return {
    folders,
    async [Symbol.asyncDispose]() {
      // A child with a closed channel does not keep this process alive.
      const waiting = setInterval(() => {}, 1000);
      child.disconnect();
      await closed;
      clearInterval(waiting);
    },
  };
}
