import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { watchSources } from "./watch-sources.ts";

type Options = {
  /** A script and its arguments. */
  command: string[];
  env: NodeJS.ProcessEnv;
  /** A change to a source file in one of these starts the script anew. */
  folders: string[];
  onLine: (line: string) => void;
  /** The script ended by an error of its own: it is run again after the next change. */
  onCrash: (exitCode: number) => void;
};

const graceMilliseconds = 30_000;

/** Runs a script, again after each change and whenever somebody ended it, until it is stopped. */
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
      // Editors and git write several files at once, and what was killed should not spin.
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

function start(command: string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, ["--import", withParent, ...command], {
    env,
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    // A process group of its own: the terminal's Ctrl-C reaches the runner alone, which then stops things in order.
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
