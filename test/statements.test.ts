import { expect, it } from "vitest";
import { expand, readStatements } from "./support/statements.ts";

it("no statement has more than 40 lines or 8 CTEs, fragments included", async () => {
  const statements = await readStatements();
  expect(statements.length).toBeGreaterThan(50);
  const fragments = new Map(statements.map((statement) => [statement.name, statement]));
  const sizes = statements.map((statement) => {
    const text = expand(statement, fragments).trim();
    const ctes = text.match(/\w+ as (not materialized |materialized )?\(/g) ?? [];
    return { place: `${statement.file}:${statement.line}`, lines: text.split("\n").length, ctes: ctes.length };
  });
  expect(Math.max(...sizes.map(({ ctes }) => ctes))).toBeGreaterThan(5);
  expect(sizes.filter(({ lines, ctes }) => lines > 40 || ctes > 8)).toEqual([]);
});
