import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { blocksOf, copyProject, type Copy } from "../support/copy.ts";

const blocks = [...(await blocksOf("docs/worker-parts.md", "diff")), ...(await blocksOf("docs/growing.md", "diff"))];

/** A copy to which the change of one section was applied. */
async function copyWith(heading: string): Promise<Copy> {
  const copy = await copyProject();
  await writeFile(join(copy.folder, ".git/block"), blocks.find((block) => block.heading === heading)!.text);
  await copy.run("git", "apply", ".git/block");
  expect(await copy.run("tsc", "--noEmit")).toBe("");
  await copy.run("prettier", "--check", "worker", "migrations", "test/tasks");
  return copy;
}

describe("the change of", () => {
  it("«Give each worker its own part» leaves workers that run every task once while they come and go", async () => {
    const copy = await copyWith("Give each worker its own part");
    const run = ["run", "--config", "vitest.template.config.ts", "test/template/parts.test.ts"];
    expect(await copy.run("vitest", ...run)).toMatch(/2 passed/);
    await copy.run("vitest", "run", "test/engine/fairness", "test/engine/sessions", "test/engine/lost-answers");
  });

  it("«When to partition» leaves a feed that keeps its promises", async () => {
    const copy = await copyWith("When to partition");
    const ofFeed = (await readdir("test/events")).map((name) => `test/events/${name}`);
    const files = [
      ...ofFeed,
      "test/tasks/prune-events.test.ts",
      "test/account/account.test.ts",
      "test/cli/events.test.ts",
    ];
    expect(await copy.run("vitest", "run", ...files)).toMatch(new RegExp(`${files.length} passed`));
  });

  it("each section was applied", () => {
    const headings = ["Give each worker its own part", "When to partition"];
    expect(blocks.map(({ heading }) => heading)).toEqual(headings);
  });
});
