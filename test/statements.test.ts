import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["app", "worker", "cli"];

it("no statement has more than 40 lines or 8 CTEs", async () => {
  const statements = await allStatements();
  expect(statements.length).toBeGreaterThan(80);
  expect(statements.filter(({ lines, ctes }) => lines > 40 || ctes > 8)).toEqual([]);
});

async function allStatements() {
  const names = await Promise.all(folders.map((folder) => readdir(join(root, folder), { recursive: true })));
  const files = names.flatMap((list, nth) => list.map((name) => `${folders[nth]}/${name}`));
  const sources = files.filter((file) => file.endsWith(".ts"));
  const texts = await Promise.all(
    sources.map(async (file) => ({ file, text: await readFile(join(root, file), "utf8") })),
  );
  return texts.flatMap(({ file, text }) =>
    [...text.matchAll(/\b(?:sql|tx)(?:<[^`]*?>)?`([^`]*)`/g)].map(([, statement = ""]) => ({
      file,
      begin: statement.trim().slice(0, 60),
      lines: statement.trim().split("\n").length,
      ctes: statement.match(/\bas (not materialized |materialized )?\(\n/g)?.length ?? 0,
    })),
  );
}
