import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { blocksOf, copyProject } from "../support/copy.ts";

const copy = await copyProject();
const diffs = await blocksOf("docs/recipes.md", "diff");

afterEach(async () => {
  await copy.run("git", "reset", "-q", "--hard");
  await copy.run("git", "clean", "-fdq");
});

/** Each heading of docs/recipes.md, and the test files in recipes/ that begin with this name. */
const recipes = [
  ["Add an endpoint", "endpoint"],
  ["Add a task", "task"],
  ["Add a recurring task", "recurring-task"],
  ["Emit an event", "event"],
  ["Show a new column on the account page", "column"],
  ["Add a mail", "mail"],
  ["Set a priority and a retry limit", "priority"],
  ["Call an external API", "external-api"],
];

describe("docs/recipes.md", () => {
  it("has one diff for each recipe, of at most 15 changed lines", () => {
    const changed = (text: string) => text.match(/^[+-](?!--|\+\+)/gm)?.length;
    expect(diffs.map(({ heading }) => heading)).toEqual(recipes.map(([heading]) => heading));
    expect(diffs.filter(({ text }) => changed(text)! > 15)).toEqual([]);
  });

  it.each(recipes)("«%s» applies to a clean project, passes its checks, and works", async (heading, name) => {
    await writeFile(join(copy.folder, ".git/block"), diffs.find((diff) => diff.heading === heading)!.text);
    await copy.run("git", "apply", "--index", ".git/block");
    const files = (await copy.run("git", "diff", "--cached", "--name-only", "-z")).split("\0").filter(Boolean);

    await copy.run("prettier", "--check", "--ignore-unknown", ...files);
    await copy.run("oxlint", "--type-aware", ...files);
    expect(await copy.run("tsc", "--noEmit")).toBe("");
    const tests = ["--config", "vitest.template.recipes.config.ts", `recipes/${name}.`];
    expect(await copy.run("vitest", "run", ...tests)).toMatch(/Tests .*passed/);
  });
});
