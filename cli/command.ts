import { connect, type Sql } from "../app/db/connect.ts";
import { migrateEnv } from "../app/env.ts";
import { withDatabase } from "../dev/database.ts";

/**
 * Resolves to false if it changed or found nothing, and has printed the reason.
 * @public Commands of modules use it.
 */
export type Command = (sql: Sql) => Promise<boolean>;

/** Reads the arguments. For wrong ones: returns what is wrong, or undefined, or throws an error of node:util's parseArgs. */
type Parse = () => Command | string | undefined;

/** Runs a command of the shell; `--help` prints the usage. Exit codes: 0 success; 1 failure, or nothing matched; 2 wrong arguments. */
export async function runCommand(usage: string, parse: Parse): Promise<void> {
  // `head` closes the pipe once it has read enough: that is success.
  process.stdout.once("error", () => process.exit(0));
  if (process.argv.includes("--help")) {
    process.stdout.write(usage);
    return;
  }
  const command = tryToParse(parse);
  if (typeof command !== "function") {
    process.stderr.write(command === undefined ? usage : `${command}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await using sql = open(await withDatabase());
    process.exitCode = (await command(sql)) ? 0 : 1;
  } catch (error) {
    fail(describe(error));
    process.exitCode = 1;
  }
}

export function print(text: string): true {
  process.stdout.write(`${text}\n`);
  return true;
}

/** Prints to stderr why the command failed; its result is the command's result. */
export function fail(text: string): false {
  process.stderr.write(`${text}\n`);
  return false;
}

/**
 * Aligns rows in columns; the first row is the heading.
 * @public Commands of modules use it.
 */
export function columns(rows: (string | number)[][]): string {
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Tasks and events may hold text of strangers: without control characters it cannot steer the terminal. */
export const printable = (text: string): string => text.replace(/\p{Cc}+/gu, " ");

function open(env: NodeJS.ProcessEnv) {
  const sql = connect(migrateEnv(env), "shell");
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

function tryToParse(parse: Parse): ReturnType<Parse> {
  try {
    return parse();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("ERR_PARSE_ARGS")) throw error;
    return undefined;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // When several addresses refuse the connection, Node leaves the message empty and sets the code.
  return error.message || ("code" in error ? String(error.code) : error.name);
}
