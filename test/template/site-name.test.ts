import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { copyProject } from "../support/copy.ts";

it("passes its tests of pages and mails when the site has a name of its own", async () => {
  const copy = await copyProject();
  const file = join(copy.folder, "app/env.ts");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace("siteName = project.name", 'siteName = "My App"'));
  expect(await copy.run("git", "diff", "--stat")).toMatch(/1 insertion.*1 deletion/);

  expect(await copy.run("tsc", "--noEmit")).toBe("");
  const using = await copy.run("git", "grep", "-l", "siteName", "--", "test/**/*.test.ts", ":!test/template");
  await copy.run("vitest", "run", ...using.trim().split("\n"));
});
