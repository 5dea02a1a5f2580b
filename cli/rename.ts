import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { complain, say } from "./command.ts";
import { mentions, problemWithName, renameIn } from "./rename/spellings.ts";

const usage = `Gives the project a name of its own, in every tracked file.

  npm run rename -- NAME             lower case, words apart by hyphens
  npm run rename -- NAME --dirty     with changes that are not committed yet
`;

const leftToDo = `
Left to do by hand:
  - LICENSE keeps the notice of what you copied, as its terms ask; add a line of your own.
  - README.md, CHANGELOG.md and the description in app.json: what your project does.
  - app/assets/favicon.svg; then \`npm run screenshots\`.
  - Alerts and dashboards: the metrics begin with the new name now.
  - Databases keep their names. What \`npm run dev\` had is in .data/ under the old one: delete it.
  - \`npm test\`, then commit.
`;

/** It must go on naming those who wrote what was copied. */
const licence = "LICENSE";

process.exitCode = main();

function main(): number {
  const words = understand();
  if (!words) {
    process.stderr.write(usage);
    return 2;
  }
  const { name, isDirtyFine } = words;
  const project = readPackage();
  const files = readFiles();
  const taken = files.find(({ file, text }) => /\.(ts|js|ejs|sql)$/.test(file) && mentions(text, name));
  const problem =
    problemWithName(name, project.name, [project.dependencies, project.devDependencies].flatMap(Object.keys)) ??
    // Otherwise nobody could tell the name from the word that was there before, and the next rename neither.
    (taken && `${name} means something already, in ${taken.file}. Choose another name.`) ??
    (isDirtyFine || git("status", "--porcelain") === "" ? undefined : "Commit your changes first, or say --dirty.");
  if (problem) {
    complain(problem);
    return 1;
  }

  const renamed = files
    .map(({ file, text }) => ({ file, text, after: renameIn(text, project.name, name) }))
    .filter(({ text, after }) => after !== text);
  for (const { file, after } of renamed) writeFileSync(file, after);
  // A longer or shorter name breaks lines elsewhere.
  const format = ["--write", "--ignore-unknown", "--log-level", "warn", ...renamed.map(({ file }) => file)];
  execFileSync("node_modules/.bin/prettier", format, { stdio: "inherit" });
  say(`${project.name} is called ${name} now, in ${renamed.length} files.\n${leftToDo}`);
  return 0;
}

function understand(): { name: string; isDirtyFine: boolean } | undefined {
  const options = { dirty: { type: "boolean" } } as const;
  const { values, positionals, tokens } = parseArgs({ options, allowPositionals: true, strict: false, tokens: true });
  const isOdd = tokens.some((token) => token.kind === "option" && token.name !== "dirty");
  const [name] = positionals;
  if (name === undefined || positionals.length > 1 || isOdd) return undefined;
  return { name, isDirtyFine: values.dirty === true };
}

function readPackage() {
  const names = z.record(z.string(), z.string());
  const shape = z.object({ name: z.string(), dependencies: names, devDependencies: names });
  return shape.parse(JSON.parse(readFileSync("package.json", "utf8")));
}

/** Every tracked text, but the licence. */
function readFiles(): { file: string; text: string }[] {
  return git("ls-files", "-z")
    .split("\0")
    .filter((file) => file !== "" && file !== licence)
    .map((file) => ({ file, text: readFileSync(file, "utf8") }))
    .filter(({ text }) => !text.includes("\0"));
}

function git(...words: string[]): string {
  return execFileSync("git", words, { encoding: "utf8", maxBuffer: 2 ** 26 });
}
