import { run } from "../support/processes.ts";

/** What a command of `cli/` says and exits with, given these words. */
export async function type(databaseUrl: string, entry: string, ...words: string[]) {
  const command = run(`cli/${entry}.ts`, { DATABASE_URL: databaseUrl }, words);
  return { exit: await command.exited, said: command.output() };
}
