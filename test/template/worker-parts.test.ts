import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf, copyProject } from "../support/copy.ts";

it("«Give each worker its own part» leaves workers that run every task once while they come and go", async () => {
  const copy = await copyProject();
  const blocks = await blocksOf("docs/worker-parts.md", "diff");
  expect(blocks.map(({ heading }) => heading)).toEqual(["Give each worker its own part"]);
  await writeFile(join(copy.folder, ".git/block"), blocks[0]!.text);
  await copy.run("git", "apply", ".git/block");

  expect(await copy.run("tsc", "--noEmit")).toBe("");
  await copy.run("prettier", "--check", "worker", "migrations");
  const run = ["run", "--config", "vitest.template.config.ts", "test/template/parts.test.ts"];
  expect(await copy.run("vitest", ...run)).toMatch(/2 passed/);
  await copy.run("vitest", "run", "test/engine/fairness", "test/engine/sessions", "test/engine/lost-answers");
});
