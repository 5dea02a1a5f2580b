import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { dropStatements } from "./modules/drop-statements.ts";
import { readFiles, writeChanges, type Files } from "./modules/files.ts";
import { problemWithCheckout } from "./modules/git.ts";
import { findNeed, moduleNames, problemWithNames } from "./modules/registered.ts";
import { removeModule, type Removed } from "./modules/remove-module.ts";

const usage = `Removes a module: its files, and what else names it.

  npm run remove -- NAME
`;

const root = join(import.meta.dirname, "..");

process.exitCode = await main();

/** Exit codes: 0 success; 2 wrong usage, and nothing was changed. */
async function main(): Promise<number> {
  // `head` closes the pipe once it has read enough: the work goes on.
  process.stdout.on("error", () => undefined);
  if (process.argv.includes("--help")) {
    process.stdout.write(usage);
    return 0;
  }
  // First, because only a clean checkout can be read.
  const unclean = problemWithCheckout(root);
  if (unclean !== undefined) return refuse(unclean);
  const files = readFiles(root);
  const name = parse();
  if (name === undefined) {
    return refuse(`${usage}\nThe modules are: ${moduleNames(files).join(", ") || "none"}.`);
  }
  const unknown = problemWithNames(files, [name]);
  if (unknown !== undefined) return refuse(unknown);
  const need = findNeed(files, [name]);
  if (need !== undefined) return refuse(`${need.name} needs ${need.needed}: remove ${need.name} first.`);

  const { left, removed } = removeModule(files, name);
  const statements = dropStatements(name, new Map(removed.files.map((path) => [path, files.get(path)!])));
  await write(files, left);
  process.stdout.write(describe(name, removed));
  if (statements.length > 0) process.stdout.write(adviseMigration(nextMigration([...files.keys()], name), statements));
  return 0;
}

async function write(before: Files, after: Files): Promise<void> {
  process.once("SIGINT", () => {
    process.stderr.write("Stopped. `git checkout . && git clean -n` shows what is left.\n");
    process.exit(130);
  });
  try {
    await writeChanges(root, before, after);
  } finally {
    // Ctrl-C ends npm, too, and keeps the signal waiting until then.
    await setImmediate();
  }
}

function refuse(problem: string): number {
  process.stderr.write(`${problem}\n`);
  return 2;
}

function parse(): string | undefined {
  const { positionals, tokens } = parseArgs({ allowPositionals: true, strict: false, tokens: true });
  return positionals.length === 1 && tokens.length === 1 ? positionals[0] : undefined;
}

function describe(name: string, { files, parts, scripts, dependencies, environment }: Removed): string {
  const groups = Object.entries({
    "Deleted files": files,
    "Parts taken out of": parts,
    "npm scripts": scripts,
    Dependencies: dependencies,
    "Environment in app.json": environment,
  }).filter(([, lines]) => lines.length > 0);
  const text = groups.map(([title, lines]) => `${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return `Removed ${name}.\n\n${text.join("\n")}\nCheck with git diff --stat that no file of your own left. Run npm ci, npm run check and npm test, then commit.\n`;
}

/** Numbers are never used twice: a database has the removed ones. */
function nextMigration(paths: string[], name: string): string {
  const numbers = paths.map((path) => Number(/^migrations\/(\d+)_/.exec(path)?.[1] ?? 0));
  return `migrations/${String(Math.max(...numbers) + 1).padStart(4, "0")}_without_${name}.sql`;
}

function adviseMigration(path: string, statements: string[]): string {
  const tables = statements.flatMap((line) => /^drop table if exists (\w+)/.exec(line)?.[1] ?? []);
  return `
A deployed database keeps ${tables.length > 0 ? `the tables ${tables.join(", ")}` : "rows of the module"}. Deploy without
the module first: the old release still uses them. In the next release, add this as ${path}:

${statements.map((line) => `  ${line}\n`).join("")}`;
}
