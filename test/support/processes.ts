import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Process = {
  child: ChildProcess;
  /** All that it has printed, stdout and stderr. */
  output(): string;
  /** Sends the signal and waits for the end; resolves to the exit code, null when the signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves to the exit code. */
  exited: Promise<number | null>;
};

/** Runs one of the project's entries as a process of its own, with nothing in its environment but what is given. */
export function run(entry: string, env: Record<string, string>, args: string[] = []): Process {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  running.add(child);
  child.once("close", () => running.delete(child));
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

// Hooks may be skipped when a run is broken off.
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export async function runMigrations(databaseUrl: string): Promise<void> {
  const migrate = run("migrations/migrate.ts", { DATABASE_URL: databaseUrl });
  if ((await migrate.exited) !== 0) throw new Error(migrate.output());
}
