import { glob, readFile, writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { expect, it } from "vitest";
import { readFiles } from "../../cli/modules/files.ts";
import { belongsTo, moduleNames } from "../../cli/modules/registered.ts";
import { expand, nestedIn, readStatements } from "../support/statements.ts";
import { parseStatement } from "./parse-statement.ts";
import { everywhere, features, sources } from "./portability.ts";
import { modifiedTwice, syntaxOf } from "./syntax-of.ts";

/** The syntax of one statement or fragment. */
type Use = { file: string; syntax: Set<string> };

const page = "docs/growing.md";
const [begin, end] = ["<!-- written by portable.test.ts -->", "<!-- written until here -->"];
const words = (text: string) => text.trim().split(/\s+/);

const uses = await readUses();

it("knows all syntax that our statements use", () => {
  const known = new Set([everywhere, ...features.map(({ syntax }) => syntax)].flatMap(words));
  expect(uses.length).toBeGreaterThan(50);
  // What is new: read their documentation, and add it to portability.ts.
  const isNew = (word: string) => !known.has(word);
  expect(uses.flatMap(({ file, syntax }) => [...syntax].filter(isNew).map((word) => `${word} in ${file}`))).toEqual([]);
});

it("lists in docs/growing.md what to change", async () => {
  const table = await format(tableOf(uses), { ...(await resolveConfig(page)), parser: "markdown" });
  // PORTABLE_WRITE=1 npm run test:template -- portable
  if (process.env["PORTABLE_WRITE"]) {
    const { before, after } = await readTable();
    await writeFile(page, `${before}\n\n${table}\n${after}`);
  }
  expect((await readTable()).table).toBe(table.trim());
});

async function readTable(): Promise<{ before: string; table: string; after: string }> {
  const text = await readFile(page, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  return { before: text.slice(0, from), table: text.slice(from, to).trim(), after: text.slice(to) };
}

async function readUses(): Promise<Use[]> {
  const statements = await readStatements();
  const fragments = new Map(statements.map((statement) => [statement.name, statement]));
  const texts = statements.flatMap((statement) =>
    [statement, ...nestedIn(statement)].map(({ text }) => ({ file: statement.file, text })),
  );
  for await (const file of glob("migrations/*.sql")) {
    const text = await readFile(file, "utf8");
    texts.push({ file, text });
  }
  // postgres.js writes the statement itself.
  const worker = await readFile("worker/main.ts", "utf8");
  if (worker.includes('.listen("')) texts.push({ file: "worker/main.ts", text: "listen task" });
  const twice = statements.filter(
    (statement) => parseStatement(expand(statement, fragments)).flatMap(modifiedTwice).length > 0,
  );
  return [
    ...texts.map(({ file, text }) => ({
      file,
      syntax: new Set(parseStatement(text).flatMap((tree) => [...syntaxOf(tree)])),
    })),
    ...twice.map(({ file }) => ({ file, syntax: new Set(["twice"]) })),
  ];
}

/** A row for each feature of the core, and a marked row for each that only a module uses. */
function tableOf(all: Use[]): string {
  const modules = moduleNames(readFiles("."));
  const rows = features.flatMap((feature) => {
    const using = all.filter(({ syntax }) => words(feature.syntax).some((word) => syntax.has(word)));
    const ofCore = using.filter(({ file }) => !modules.some((name) => belongsTo(file, name)));
    if (ofCore.length > 0) return [row(feature, ofCore)];
    const owners = modules.filter((name) => using.some(({ file }) => belongsTo(file, name)));
    return owners.map((owner) => {
      const ofOwner = using.filter(({ file }) => belongsTo(file, owner));
      return row(feature, ofOwner, ` <!-- ${owner} -->`);
    });
  });
  return [
    "| feature | used in | Citus | YugabyteDB | CockroachDB |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    ...Object.entries(sources).map(([name, address]) => `[${name}]: ${address}`),
  ].join("\n");
}

function row(
  { name, citus = "works", yugabyte = "works", cockroach }: (typeof features)[number],
  using: Use[],
  mark = "",
) {
  const files = [...new Set(using.map(({ file }) => file))].toSorted();
  const places = files.length > 3 ? roughly(using.length) : files.join(", ");
  return `| ${name} | ${places} | ${citus} | ${yugabyte} | ${cockroach}${mark} |`;
}

/** Not the number: the table need not change with each new statement. */
const roughly = (count: number) =>
  count < 10 ? "fewer than 10 places" : `over ${Math.floor((count - 1) / 10) * 10} places`;
