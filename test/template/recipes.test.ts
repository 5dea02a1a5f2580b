import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { blocksOf, copyProject } from "../support/copy.ts";

it("shows changes that apply, are short, and compile", async () => {
  const diffs = [...(await blocksOf("docs/tasks.md", "diff")), ...(await blocksOf("docs/events.md", "diff"))];
  expect(diffs.map(({ heading }) => heading)).toEqual([
    "Add an endpoint that enqueues a task",
    "Add a mail",
    "Add a recurring task",
    "Emit an event",
  ]);
  const copy = await copyProject();
  for (const { text } of diffs) {
    const changed = text.split("\n").filter((line) => /^[+-](?!--|\+\+)/.test(line));
    expect(changed.length).toBeLessThanOrEqual(20);
    await writeFile(join(copy.folder, ".git/block"), text);
    await copy.run("git", "apply", ".git/block");
  }
  expect(await copy.run("tsc", "--noEmit")).toBe("");
  await copy.run("prettier", "--check", "app", "worker");
}, 60_000);
