import { connect, type Sql } from "../app/db/connect.ts";
import { migrateEnv } from "../app/env.ts";
import { withDatabase } from "../dev/find-database.ts";

/** Resolves to whether it did what it was asked for. */
export type Command = (sql: Sql) => Promise<boolean>;

/**
 * Runs what an operator typed. The exit code is 0 when it is done, 1 when it failed or there was nothing to do it to, and 2 when
 * the words make no sense: `parse` returned nothing, or threw what node:util's parseArgs throws.
 */
export async function runCommand(usage: string, parse: () => Command | undefined): Promise<void> {
  const command = understand(parse);
  if (!command) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  try {
    process.exitCode = (await runOn(await withDatabase(), command)) ? 0 : 1;
  } catch (error) {
    complain(describe(error));
    process.exitCode = 1;
  }
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Says why it did not work; to be returned by a command. */
export function complain(text: string): false {
  process.stderr.write(`${text}\n`);
  return false;
}

async function runOn(env: NodeJS.ProcessEnv, command: Command): Promise<boolean> {
  const sql = connect(migrateEnv(env), "shell");
  try {
    return await command(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function understand(parse: () => Command | undefined): Command | undefined {
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
  // Of several addresses that were tried, Node tells the code alone.
  return error.message || ("code" in error ? String(error.code) : error.name);
}
