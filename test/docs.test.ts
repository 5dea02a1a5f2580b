import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { blocksOf } from "./support/copy.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const docs = (await readdir(join(root, "docs"))).map((name) => `docs/${name}`);
const pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "worker/engine/README.md", ...docs];
const texts = new Map(await Promise.all(pages.map(async (page) => [page, await read(page)] as const)));
const readme = texts.get("README.md")!;

const registered = [await read("app/modules.ts"), await read("worker/modules.ts")].join("");
const modules = new Set([...registered.matchAll(/^export \{.* from "\.\/([\w-]+)\//gm)].map(([, name]) => name!));
const isOfModule = (file: string) => file.split(/[./]/).some((part) => modules.has(part));

describe("README.md", () => {
  it("has at most 120 lines", () => {
    expect(lines(readme).length).toBeLessThanOrEqual(120);
  });

  it("shows the statement of POST /signup, whole", async () => {
    const [shown] = await blocksOf("README.md", "sql");
    const [, statement] = /sql`\s+(with [^`]+insert into usr [^`]+)`/.exec(await read("app/sign-up/sign-up.ts"))!;
    expect(words(shown!.text)).toEqual(words(statement!));
  });

  it("lists a core of at most 12 files and 1,200 lines", async () => {
    const files = linksIn(section(readme, "Reading order")).map(({ file }) => file);
    expect(files[0]).toMatch(/^migrations\/0001_/);
    expect(files.length).toBeLessThanOrEqual(12);
    const counts = await Promise.all(files.map(async (file) => lines(await read(file)).length));
    expect(counts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(1200);
  });

  it("shows the endpoint and the task that docs/recipes.md adds", async () => {
    const added = (await blocksOf("docs/recipes.md", "diff")).flatMap(({ text }) => lines(text));
    const [shown] = await blocksOf("README.md", "ts");
    for (const line of lines(shown!.text)) {
      const [, file] = /^\/\/ (\S+)/.exec(line) ?? [];
      expect(added).toContain(file ? `+++ b/${file}` : `+${line}`);
    }
  });
});

describe("docs/tour.md", () => {
  it("quotes words that stand in the lines that it links to", async () => {
    const text = texts.get("docs/tour.md")!;
    const steps = [...text.matchAll(/\]\(\.\.\/([^)#]+)#L(\d+)\) `([^`]+)`/g)];
    expect(steps.length).toBe(text.split("#L").length - 1);
    const moved = await Promise.all(
      steps.map(async ([, file = "", number, quoted = ""]) => {
        const source = lines(await read(file));
        if (source[Number(number) - 1]?.includes(quoted)) return [];
        const found = source.findIndex((line) => line.includes(quoted)) + 1;
        return [`${file}#L${number}: "${quoted}" is in line ${found || "none"}`];
      }),
    );
    expect(moved.flat()).toEqual([]);
  });
});

describe("docs/glossary.md", () => {
  it("has at most 20 words, each in one line", () => {
    const rows = lines(texts.get("docs/glossary.md")!).filter((line) => line.startsWith("|"));
    expect(rows.length - 2).toBeLessThanOrEqual(20);
  });
});

describe("each page", () => {
  it.each(pages)("%s has no dead link", async (page) => {
    const links = linksIn(withoutCode(texts.get(page)!), page);
    const alive = await Promise.all(links.map(isAlive));
    expect(links.filter((_, index) => !alive[index])).toEqual([]);
  });
});

describe("each page of the core", () => {
  const ofCore = pages.filter((page) => !isOfModule(page));

  it.each(ofCore)("%s neither names a module nor links to its files outside of marks", (page) => {
    const text = withoutMarked(texts.get(page)!);
    expect(text.match(/^ *<!-- (begin|end) .*/gm) ?? []).toEqual([]);
    expect(words(text.replaceAll(/[^\w-]/g, " ")).filter((word) => modules.has(word.toLowerCase()))).toEqual([]);
    expect(linksIn(text, page).filter(({ file }) => isOfModule(file))).toEqual([]);
  });
});

function read(file: string): Promise<string> {
  return readFile(join(root, file), "utf8");
}

const lines = (text: string) => text.trimEnd().split("\n");
const withoutCode = (text: string) => text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
/** Without what leaves with a module: marked lines, and marked rows of tables. */
const withoutMarked = (text: string) =>
  text
    .replaceAll(/^ *<!-- begin (\w+) -->\n[^]*?^ *<!-- end \1 -->\n/gm, "")
    .replaceAll(/^\|.* <!-- \w+ --> +\|$/gm, "");
const words = (text: string) => text.trim().split(/\s+/);

/** From its heading to the next one of the same level. */
const section = (text: string, heading: string) => text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;

/** The links to files of the project, as paths from its root. */
function linksIn(text: string, page = "README.md"): { file: string; anchor: string | undefined }[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source!,
  );
  return targets
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = "", anchor] = target.split("#");
      return { file: join(page, path ? ".." : "", path), anchor };
    });
}

async function isAlive({ file, anchor }: { file: string; anchor: string | undefined }): Promise<boolean> {
  if (!existsSync(join(root, file))) return false;
  if (!anchor || /^L\d/.test(anchor)) return true;
  const headings = (await read(file)).match(/^#+ .+$/gm) ?? [];
  return headings.map(anchorOf).includes(anchor);
}

/** As GitHub names a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, "")
    .replaceAll(" ", "-");
}
