import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { blocksOf, copyProject, type Copy } from "../support/copy.ts";

/** The text about modules, their routes or their environment. */
const ofTheCore = [
  "test/modules",
  "test/env",
  "test/account/account",
  "test/browser/accessibility",
  "test/events/consume.test.ts",
  "test/http/web",
  "test/log-in/session",
  "test/worker/worker.test.ts",
];

/** One file of every folder, and each file that contains the project's name; the whole suite would take minutes. */
const suite = [
  ...ofTheCore,
  "test/engine/claiming",
  "test/engine/failing",
  "test/http/headers",
  "test/ops/metrics",
  "test/ops/tasks-command",
  "test/password/password-rules",
  "test/sign-up/sign-up",
  "test/sign-up/verify",
  "test/tasks/account-mails",
];

// In two parts: the project must not contain the name.
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
    expect(new Set(words.trim().split("\n"))).toEqual(new Set([other]));

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
  ])('responds with "%s" to %j %j', async (response, ...words) => {
    await expect(rename(unchanged, ...words)).rejects.toThrow(response);
    expect(await unchanged.run("git", "status", "--porcelain")).toBe("");
  });

  it("refuses uncommitted changes, unless --dirty is given", async () => {
    const copy = await copyProject();
    await writeFile(join(copy.folder, "notes.txt"), "mine");
    await expect(rename(copy, other)).rejects.toThrow("Commit your changes first");
    await rename(copy, other, "--dirty");
  });
});

describe("docs/make-it-yours.md", () => {
  it.each([
    [["Without webhooks"], ["test/ops/pages", "test/digest"]],
    [["Without the digest"], ["test/ops/pages", "test/webhooks/webhooks"]],
    [
      ["Without webhooks", "Without the digest", "Without operations"],
      ["test/migrations", "test/cli", "test/tasks"],
    ],
  ])("%j leaves a project that passes its checks and its tests", async (headings, files) => {
    const copy = await copyProject();
    for (const heading of headings) {
      const [commands, ...others] = (await blocksOf("docs/make-it-yours.md", "sh")).filter(
        (block) => block.heading === heading,
      );
      expect(others).toEqual([]);
      await writeFile(join(copy.folder, ".git/block"), commands!.text);
      await copy.run("bash", "-e", ".git/block");
    }
    expect(await copy.run("tsc", "--noEmit")).toBe("");
    await copy.run("oxlint", "--type-aware");
    await copy.run("knip");
    await copy.run("prettier", "--check", ".");
    await copy.run("vitest", "run", "test/docs", ...ofTheCore, ...files);
  });
});
