import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

type Template = { text: string; holes: string[]; end: number };
type Statement = Template & { place: string; name: string | undefined };

it("no statement has more than 40 lines or 8 CTEs, fragments included", async () => {
  const statements = await readStatements();
  expect(statements.length).toBeGreaterThan(50);
  // A fragment is a function that returns a template.
  const fragments = new Map(statements.map((statement) => [statement.name, statement]));
  const sizes = statements.map((statement) => {
    const text = expand(statement, fragments).trim();
    const ctes = text.match(/\w+ as (not materialized |materialized )?\(/g) ?? [];
    return { place: statement.place, lines: text.split("\n").length, ctes: ctes.length };
  });
  expect(Math.max(...sizes.map(({ ctes }) => ctes))).toBeGreaterThan(5);
  expect(sizes.filter(({ lines, ctes }) => lines > 40 || ctes > 8)).toEqual([]);
});

async function readStatements(): Promise<Statement[]> {
  const statements: Statement[] = [];
  for await (const file of glob("{app,worker,cli}/**/*.ts", { cwd: root })) {
    const source = await readFile(root + file, "utf8");
    let end = 0;
    for (const { index, 0: tag } of source.matchAll(/(?<!`)\b(sql|tx)(<[^`;]*?>)?`/g)) {
      // A template inside of another is part of it.
      if (index < end) continue;
      const template = readTemplate(source, index + tag.length);
      end = template.end;
      const before = source.slice(0, index);
      const [, name] = /(?:const|function) (\w+)[^;{]*(?:=>|\{\s*return)\s*$/.exec(before.slice(-400)) ?? [];
      statements.push({ ...template, name, place: `${file}:${before.split("\n").length}` });
    }
  }
  return statements;
}

/** Reads a template up to its backtick; each `${…}` becomes `$` in the text and is one of the holes. */
function readTemplate(source: string, start: number): Template {
  const holes: string[] = [];
  let text = "";
  let at = start;
  for (; source[at] !== "`"; at += 1) {
    if (at >= source.length) throw new Error("A template has no end.");
    text += source[at];
    if (!source.startsWith("${", at)) continue;
    const hole = at + 2;
    let depth = 1;
    for (at = hole; ; at += 1) {
      if (source[at] === "`") at = readTemplate(source, at + 1).end - 1;
      if (source[at] === "{") depth += 1;
      if (source[at] === "}") depth -= 1;
      if (depth === 0) break;
    }
    holes.push(source.slice(hole, at));
  }
  return { text, holes, end: at + 1 };
}

/** The text with its fragments, called or written in place. */
function expand({ text, holes }: Template, fragments: Map<string | undefined, Template>): string {
  let nth = 0;
  return text.replaceAll("$", () => {
    const hole = holes[nth] ?? "";
    nth += 1;
    const [, called] = /^(\w+)\(/.exec(hole) ?? [];
    const fragment = fragments.get(called);
    if (called && fragment) return expand(fragment, fragments).trim();
    const inline = hole.indexOf("sql`");
    return inline < 0 ? "$" : expand(readTemplate(hole, inline + 4), fragments).trim();
  });
}
