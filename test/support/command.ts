import { Writable } from "node:stream";
import { vi } from "vitest";

let runs = 0;

/**
 * Runs a command of `cli/` and returns its output and exit code. It runs in this process, because a new one would take
 * half a second of both cores.
 */
export async function runCommand(databaseUrl: string, name: string, ...args: string[]) {
  let output = "";
  const terminal = new Writable({
    write(chunk, _, done) {
      output += String(chunk);
      done();
    },
  });
  const { argv, exitCode } = process;
  const streams = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process, name, "get").mockReturnValue(terminal as never),
  );
  vi.stubEnv("DATABASE_URL", databaseUrl);
  process.argv = [process.execPath, name, ...args];
  try {
    runs += 1;
    // Node evaluates a module once per URL.
    await import(`../../cli/${name}.ts?run=${runs}`);
    return { exitCode: process.exitCode, output };
  } finally {
    Object.assign(process, { argv, exitCode });
    vi.unstubAllEnvs();
    for (const stream of streams) stream.mockRestore();
  }
}
