import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Stands for each `${…}` in the text of a template.
 * @public A test parses the text.
 */
export const hole = "\u0000";

type Template = { text: string; holes: string[]; start: number; end: number };
type Statement = Template & { file: string; line: number; name: string | undefined };

export async function readStatements(): Promise<Statement[]> {
  const statements: Statement[] = [];
  for await (const file of glob("{app,worker,cli,migrations}/**/*.ts", { cwd: root })) {
    const source = await readFile(root + file, "utf8");
    for (const template of findTemplates(source)) {
      const before = source.slice(0, template.start);
      const [, name] = /(?:const|function) (\w+)[^;{]*(?:=>|\{\s*return)\s*$/.exec(before.slice(-400)) ?? [];
      statements.push({ ...template, name, file, line: before.split("\n").length });
    }
  }
  return statements;
}

/**
 * The templates that are written inside of this one.
 * @public A test parses them, too.
 */
export function nestedIn(template: Template): Template[] {
  return template.holes.flatMap(findTemplates).flatMap((inner) => [inner, ...nestedIn(inner)]);
}

function findTemplates(source: string): Template[] {
  const templates: Template[] = [];
  for (const { index, 0: tag } of source.matchAll(/(?<![`.])\b(sql|tx)(<[^`;]*?>)?`/g)) {
    // A template inside of another is part of it.
    if (index < (templates.at(-1)?.end ?? 0)) continue;
    templates.push({ ...readTemplate(source, index + tag.length), start: index });
  }
  return templates;
}

/** Reads a template up to its backtick. */
function readTemplate(source: string, start: number): Template {
  const holes: string[] = [];
  let text = "";
  let at = start;
  for (; source[at] !== "`"; at += 1) {
    if (at >= source.length) throw new Error("A template has no end.");
    if (!source.startsWith("${", at)) {
      text += source[at];
      continue;
    }
    text += hole;
    const first = at + 2;
    let depth = 1;
    for (at = first; ; at += 1) {
      if (source[at] === "`") at = readTemplate(source, at + 1).end - 1;
      if (source[at] === "{") depth += 1;
      if (source[at] === "}") depth -= 1;
      if (depth === 0) break;
    }
    holes.push(source.slice(first, at));
  }
  return { text, holes, start, end: at + 1 };
}

/** The text with its fragments, called or written in place. `fragments` has the functions that return a template. */
export function expand({ text, holes }: Template, fragments: Map<string | undefined, Template>): string {
  let nth = 0;
  return text.replaceAll(hole, () => {
    const code = holes[nth] ?? "";
    nth += 1;
    const [, called] = /^(\w+)\(/.exec(code) ?? [];
    const fragment = fragments.get(called);
    if (called && fragment) return expand(fragment, fragments).trim();
    const [inline] = findTemplates(code);
    return inline ? expand(inline, fragments).trim() : hole;
  });
}
