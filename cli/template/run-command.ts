import { CannotWrite, Stopped } from "./temporary-folder.ts";

type Tools = {
  print: (line: string) => void;
  /** Prints why the arguments are refused, or else the usage. */
  refuse: (problem?: string) => void;
};

/** Runs a command of the template. Exit codes: 0 success; 1 failure; 2 wrong usage; 130 Ctrl-C. */
export async function runTemplateCommand(usage: string, command: (tools: Tools) => Promise<void>): Promise<void> {
  // `head` closes the pipe once it has read enough: the work goes on.
  process.stdout.on("error", () => undefined);
  if (process.argv.includes("--help")) {
    process.stdout.write(usage);
    return;
  }
  try {
    await command({
      print: (line) => void process.stdout.write(`${line}\n`),
      refuse: (problem = usage) => end(2, problem),
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = "code" in error ? String(error.code) : "";
    if (code.startsWith("ERR_PARSE_ARGS")) return end(2, usage);
    if (error instanceof CannotWrite) return end(2, error.message);
    if (error instanceof Stopped || error.name === "AbortError") return end(130, "Stopped. Nothing was changed.");
    end(1, `${error.message} Nothing was changed.`);
  }
}

function end(exitCode: number, text: string): void {
  process.stderr.write(`${text.trimEnd()}\n`);
  process.exitCode = exitCode;
}
