import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

type Options = {
  /** A script and its arguments. */
  command: string[];
  env: NodeJS.ProcessEnv;
  /** A change to a source file in or below one of these restarts the script. */
  folders: string[];
  onLine: (line: string) => void;
  /** The script exited with an error. It starts again after the next change. */
  onCrash: (exitCode: number) => void;
};

const graceMilliseconds = 30_000;

/** Runs a script until it is stopped. Restarts it after each change, and after it was killed. */
export function keepRunning({ command, env, folders, onLine, onCrash }: Options): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let change = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      change = Promise.withResolvers();
      const watching = new AbortController();
      watchSources(folders, watching.signal, change.resolve);
      const child = start(command, env, onLine);
      const closed = once(child, "close");
      await Promise.race([closed, change.promise]);

      if (child.exitCode) {
        onCrash(child.exitCode);
        await change.promise;
      }
      watching.abort();
      await end(child, closed);
      // Editors and git write several files at once, and a process that keeps dying must not restart in a tight loop.
      await delay(stopping.signal.aborted ? 0 : 100);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      change.resolve();
      await running;
    },
  };
}

/** Calls back at each change. A recursive watch on Linux loses files that an editor replaces by renaming. */
function watchSources(folders: string[], signal: AbortSignal, onChange: () => void): void {
  for (const folder of folders.flatMap(withFoldersBelow)) {
    watch(folder, { signal }, (_, name) => {
      if (name && source.test(name)) onChange();
    });
  }
}

// A name without a dot is a new folder.
const source = /(^[^.]+|\.(ts|ejs))$/;

function withFoldersBelow(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.map(({ parentPath, name }) => join(parentPath, name))];
}

function start(command: string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, ["--import", withParent, ...command], {
    env,
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    // A process group of its own: the terminal's Ctrl-C reaches only the runner, which stops everything in order.
    detached: true,
  });
  if (child.stdout) createInterface({ input: child.stdout }).on("line", onLine);
  return child;
}

const withParent = import.meta.resolve("./with-parent.ts");

async function end(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const force = setTimeout(() => child.kill("SIGKILL"), graceMilliseconds);
  child.kill("SIGTERM");
  await closed;
  clearTimeout(force);
}
