import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

export type Process = {
  child: ChildProcess;
  /** What it has printed so far to stdout and stderr. */
  output(): string;
  /** Sends the signal and waits for the exit. Resolves to the exit code, null when the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves to the exit code. */
  exited: Promise<number | null>;
};

/** Runs an entry of the project as a process with the given environment and a cache that halves its start. */
export function run(entry: string, env: Record<string, string>, args: string[] = []): Process {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  return runProgram([process.execPath, entry, ...args], {
    cwd: root,
    env: { NODE_COMPILE_CACHE: `${tmpdir()}/compile-cache`, ...env },
  });
}

/** Runs any program as a process. */
export function runProgram([file, ...args]: [string, ...string[]], options: SpawnOptions): Process {
  const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  endWithRun(child);
  const exited = once(child, "close").then(([code]) => code as number | null);

  return {
    child,
    output: () => printed,
    end(signal = "SIGTERM") {
      child.kill(signal);
      return exited;
    },
    exited,
  };
}

/** Ends the child even when a signal ends the run, which skips all hooks. dev/keeper.ts reads the file. */
export function endWithRun(child: ChildProcess): void {
  const file = `${tmpdir()}/${child.pid}.pid`;
  writeFileSync(file, "");
  child.once("exit", () => rmSync(file, { force: true }));
}

export async function runMigrations(databaseUrl: string): Promise<void> {
  const migrate = run("migrations/migrate.ts", { DATABASE_URL: databaseUrl });
  if ((await migrate.exited) !== 0) throw new Error(migrate.output());
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
