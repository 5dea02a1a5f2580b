import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";

const usage = `Gives the project a name of its own, in every tracked file.

  npm run rename -- NAME             lower-case words with hyphens between them
  npm run rename -- NAME --dirty     even with uncommitted changes
`;

const leftToDo = `
Next, by hand:
  - LICENSE keeps the original copyright notice, as the license requires. Add a line of your own.
  - README.md, CHANGELOG.md and the description in app.json: say what your project does.
  - app/assets/favicon.svg: replace it, then run \`npm run screenshots\`.
  - Alerts and dashboards: metrics now start with the new name.
  - .data/: delete it. The database of \`npm run dev\` has the old name.
  - Run \`npm test\`, then commit.
`;

/** Its copyright notice must stay. */
const license = "LICENSE";
const longestName = 40;

process.exitCode = main();

function main(): number {
  const parsed = parse();
  if (!parsed) {
    process.stderr.write(usage);
    return 2;
  }
  const { name, allowsChanges } = parsed;
  const project = readPackage();
  const files = readFiles();
  const problem =
    problemWithName(name, project.name, [project.dependencies, project.devDependencies].flatMap(Object.keys)) ??
    problemWithFiles(name, files) ??
    (allowsChanges || git("status", "--porcelain") === "" ? undefined : "Commit your changes first, or add --dirty.");
  if (problem) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }

  const renamed = files
    .map(({ file, text }) => ({ file, text, after: renameIn(text, project.name, name) }))
    .filter(({ text, after }) => after !== text);
  for (const { file, after } of renamed) writeFileSync(file, after);
  // Lines with a longer or shorter name wrap elsewhere.
  const format = ["--write", "--ignore-unknown", "--log-level", "warn", ...renamed.map(({ file }) => file)];
  execFileSync("node_modules/.bin/prettier", format, { stdio: "inherit" });
  process.stdout.write(`${project.name} is called ${name} now, in ${renamed.length} files.\n${leftToDo}`);
  return 0;
}

function parse(): { name: string; allowsChanges: boolean } | undefined {
  const options = { dirty: { type: "boolean" } } as const;
  const { values, positionals, tokens } = parseArgs({ options, allowPositionals: true, strict: false, tokens: true });
  const isUnknown = tokens.some((token) => token.kind === "option" && token.name !== "dirty");
  const [name] = positionals;
  if (name === undefined || positionals.length > 1 || isUnknown) return undefined;
  return { name, allowsChanges: values.dirty === true };
}

function readPackage() {
  const names = z.record(z.string(), z.string());
  const shape = z.object({ name: z.string(), dependencies: names, devDependencies: names });
  return shape.parse(JSON.parse(readFileSync("package.json", "utf8")));
}

/** Every tracked text file but the license. */
function readFiles(): { file: string; text: string }[] {
  return git("ls-files", "-z")
    .split("\0")
    .filter((file) => file !== "" && file !== license)
    .map((file) => ({ file, text: readFileSync(file, "utf8") }))
    .filter(({ text }) => !text.includes("\0"));
}

function problemWithName(name: string, old: string, packages: string[]): string | undefined {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length < 3) {
    return "A name is words of lower-case letters and digits with hyphens between them: at least three characters, a letter first.";
  }
  // The name becomes a database name, an application_name and a metrics prefix.
  if (name.length > longestName) return `A name has at most ${longestName} characters.`;
  if (name === old) return `The project is already called ${name}.`;
  if (packages.includes(name)) return `${name} is a package that the project depends on: npm would not install it.`;
  return undefined;
}

/** Refuses a word that the code already uses: the next rename would replace that, too. */
function problemWithFiles(name: string, files: { file: string; text: string }[]): string | undefined {
  const taken = files.find(({ file, text }) => /\.(ts|js|ejs|sql)$/.test(file) && text.search(spellings(name)) >= 0);
  return taken && `${name} means something else in ${taken.file}. Choose another name.`;
}

/** Replaces the old name by the new one, in the same spelling: `a-b`, `a_b`, `A b`. */
function renameIn(text: string, old: string, name: string): string {
  return text.replace(spellings(old), (found: string, ...more: unknown[]) => {
    const at = Number(more.find((one) => typeof one === "number"));
    // A name of one word has no gap; `_` after it means an identifier, as in `metric_name`.
    const gap = /[-_ ]/.exec(found)?.[0] ?? (text[at + found.length] === "_" ? "_" : "-");
    const renamed = name.replaceAll("-", gap);
    return /^[A-Z]/.test(found) ? renamed.charAt(0).toUpperCase() + renamed.slice(1) : renamed;
  });
}

function spellings(name: string): RegExp {
  return new RegExp(`(?<![a-z0-9])${name.replaceAll("-", "[-_ ]?")}(?![a-z0-9])`, "gi");
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
}
