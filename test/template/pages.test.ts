import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readFiles } from "../../cli/modules/files.ts";
import { belongsTo, moduleNames } from "../../cli/modules/registered.ts";
import { blocksOf } from "../support/copy.ts";

// These rules are for the template's own words. A project writes what it likes: there, test/docs.test.ts checks the rest.
const readme = await read("README.md");
const docs = (await readdir("docs")).map((name) => `docs/${name}`);
const modules = moduleNames(readFiles("."));

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
    const section = readme.split(/^## /m).find((part) => part.startsWith("Reading order"))!;
    const files = [...section.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file!);
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

describe("docs/glossary.md", () => {
  it("has at most 20 words, each in one line", async () => {
    const rows = lines(await read("docs/glossary.md")).filter((line) => line.startsWith("|"));
    expect(rows.length - 2).toBeLessThanOrEqual(20);
  });
});

describe("each page of the core", () => {
  const pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "worker/engine/README.md", ...docs];
  const ofCore = pages.filter((page) => !modules.some((name) => belongsTo(page, name)));

  it.each(ofCore)("%s names no module outside of marks, not even in a link", async (page) => {
    const text = withoutMarked(await read(page)).replaceAll(/[^\w-]/g, " ");
    expect(words(text).filter((word) => modules.includes(word.toLowerCase()))).toEqual([]);
  });
});

function read(file: string): Promise<string> {
  return readFile(file, "utf8");
}

const lines = (text: string) => text.trimEnd().split("\n");
const words = (text: string) => text.trim().split(/\s+/);
/** Without what leaves with a module: marked lines, and marked rows of tables. */
const withoutMarked = (text: string) =>
  text
    .replaceAll(/^ *<!-- begin (\w+) -->\n[^]*?^ *<!-- end \1 -->\n/gm, "")
    .replaceAll(/^\|.* <!-- \w+ --> +\|$/gm, "");
