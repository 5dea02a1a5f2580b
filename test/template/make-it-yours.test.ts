import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { blocksOf, copyProject, type Copy } from "../support/copy.ts";

/** Of every folder something, and all that speaks of the name; the rest would take minutes. */
const suite = [
  "test/account/account",
  "test/env",
  "test/http/headers",
  "test/password/password-rules",
  "test/sign-up/sign-up",
  "test/sign-up/verify",
  "test/ops/metrics",
  "test/cli/tasks",
  "test/engine/claiming",
  "test/engine/failing",
  "test/worker/worker.test.ts",
  "test/tasks/account-mails",
];

// Written apart: the name must not be in the project before.
const other = ["pear", "tree"].join("-");
let unchanged: Copy;
beforeAll(async () => {
  unchanged = await copyProject();
});

const rename = (copy: Copy, ...words: string[]) => copy.run("node", "cli/rename.ts", ...words);

describe("npm run rename", () => {
  it("leaves no old name, and a project that passes its checks and its suite", async () => {
    const copy = await copyProject();
    expect(await rename(copy, other)).toContain(`slim-signup is called ${other} now`);

    const tracked = await copy.run("git", "ls-files");
    expect(tracked).not.toMatch(/slim.?signup/i);
    const words = await copy.run("git", "grep", "-iIhoE", "slim.?signup|pear.?tree", "--", ".", ":!LICENSE");
    const spellings = ["_", " ", "-"].map((gap) => other.replace("-", gap));
    expect(new Set(words.trim().split("\n"))).toEqual(new Set(spellings));

    expect(await copy.run("tsc", "--noEmit")).toBe("");
    await copy.run("oxlint", "--type-aware");
    await copy.run("knip");
    await copy.run("prettier", "--check", ".");
    await copy.run("vitest", "run", ...suite);
  });

  it("can be done again, and undone", async () => {
    const copy = await copyProject();
    await rename(copy, other);
    await rename(copy, ["plum", "jam"].join("-"), "--dirty");
    await rename(copy, "slim-signup", "--dirty");
    expect(await copy.run("git", "diff", "--stat")).toBe("");
  });

  it.each([
    ["A name is words", "Pear"],
    ["A name is words", "pear_"],
    ["A name is words", "pear-"],
    ["at most 40", "pear-".repeat(9) + "tree"],
    ["already", "slim-signup"],
    ["is a package", "koa"],
    ["means something", "worker"],
    ["Gives the project a name"],
    ["Gives the project a name", "pear", "tree"],
    ["Gives the project a name", "pear", "--force"],
  ])("says «%s» to %j %j", async (answer, ...words) => {
    await expect(rename(unchanged, ...words)).rejects.toThrow(answer);
    expect(await unchanged.run("git", "status", "--porcelain")).toBe("");
  });

  it("leaves changes alone that are not committed, until it is told to", async () => {
    const copy = await copyProject();
    await writeFile(join(copy.folder, "notes.txt"), "mine");
    await expect(rename(copy, other)).rejects.toThrow("Commit your changes first");
    await rename(copy, other, "--dirty");
  });
});

describe("docs/make-it-yours.md", () => {
  it.each([
    ["Without webhooks", ["test/ops", "test/env", "test/tasks/account-mails"]],
    ["Without the operations page", ["test/ops", "test/http/web", "test/cli/tasks", "test/digest/digest"]],
  ])("«%s» leaves a project that works", async (heading, files) => {
    const copy = await copyProject();
    await deletePart(copy, heading);
    expect(await copy.run("tsc", "--noEmit")).toBe("");
    await copy.run("prettier", "--check", "app", "worker", "cli", "dev", "test");
    await copy.run("vitest", "run", ...files);
  });

  it("leaves a project that compiles without both", async () => {
    const copy = await copyProject();
    await deletePart(copy, "Without webhooks");
    await deletePart(copy, "Without the operations page");
    expect(await copy.run("tsc", "--noEmit")).toBe("");
  });
});

/** What the page says to delete: the files, then the lines. */
async function deletePart(copy: Copy, heading: string): Promise<void> {
  for (const language of ["sh", "diff"]) {
    const blocks = (await blocksOf("docs/make-it-yours.md", language)).filter((block) => block.heading === heading);
    expect(blocks).toHaveLength(1);
    await writeFile(join(copy.folder, ".git/block"), blocks[0]!.text);
    await (language === "sh" ? copy.run("bash", "-e", ".git/block") : copy.run("git", "apply", ".git/block"));
  }
}
