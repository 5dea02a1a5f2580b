import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";

const { sql } = await createDatabase();

it("returns each array as it was sent", async () => {
  const texts = fc.array(fc.option(fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"))));
  const odd = fc.array(fc.constantFrom("", "null", "NULL", '"', "\\", "{}", "a,b", " ", "\n", '\\"', "t", null));
  await fc.assert(
    fc.asyncProperty(fc.oneof(texts, odd), async (items) => {
      expect(await sql<{ items: (string | null)[] }[]>`select ${items}::text[] as items`).toEqual([{ items }]);
    }),
  );
});

it("supports every item type that is in use", async () => {
  const at = new Date("2026-02-03T04:05:06.789Z");
  const id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
  const [row] = await sql`
    select
      ${[true, false].map(String)}::bool[] as bool, ${[-1, 2]}::smallint[] as smallint, ${[1, null]}::int[] as int,
      ${["9007199254740993"]}::bigint[] as bigint, ${[0.5]}::real[] as real, ${[1e300, -0.1]}::float8[] as float8,
      ${["12:34:56"]}::time[] as time, ${[at.toISOString()]}::timestamptz[] as timestamptz, ${[id]}::uuid[] as uuid,
      ${[JSON.stringify({ a: ['"'] })]}::text[]::jsonb[] as jsonb, ${[]}::text[] as none
  `;
  expect(row).toEqual({
    bool: [true, false],
    smallint: [-1, 2],
    int: [1, null],
    bigint: ["9007199254740993"],
    real: [0.5],
    float8: [1e300, -0.1],
    time: ["12:34:56"],
    timestamptz: [at],
    uuid: [id],
    jsonb: [{ a: ['"'] }],
    none: [],
  });
});
