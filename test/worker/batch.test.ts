import { describe, expect, it } from "vitest";
import { batched as byCallback } from "../../worker/engine/batch.ts";

import { createDatabase } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

/** As promises, which read better here. */
function batched<Item, Answer>(flush: (items: Item[]) => Promise<Answer[]>) {
  const add = byCallback(flush);
  return (item: Item) =>
    new Promise<Answer>((resolve, reject) => {
      add(item, (answer, error) => (error ? reject(error) : resolve(answer!)));
    });
}

const double = (numbers: number[]) => numbers.map((number) => number * 2);

describe("batched", () => {
  it("puts what arrives in one instant, or while a batch is under way, into one call; each gets its own answer", async () => {
    const calls: number[][] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ask = batched(async (numbers: number[]) => {
      calls.push(numbers);
      await gates[calls.length - 1]?.promise;
      return double(numbers);
    });

    const first = Promise.all([1, 2, 3].map(ask));
    await until("the first is under way", () => calls.length === 1);
    const second = Promise.all([4, 5].map(ask));
    gates[0]!.resolve();
    expect(await first).toEqual([2, 4, 6]);
    const third = Promise.all([6].map(ask));
    gates[1]!.resolve();
    expect([await second, await third]).toEqual([[8, 10], [12]]);
    expect(calls).toEqual([[1, 2, 3], [4, 5], [6]]);
  });

  it("tries each alone when a batch fails, so that a bad one fails by itself", async () => {
    const ask = batched(async (numbers: number[]) => {
      if (numbers.includes(13)) throw new Error("unlucky");
      return double(numbers);
    });
    const answers = await Promise.allSettled([1, 13, 3].map(ask));
    expect(answers.map((answer) => (answer.status === "fulfilled" ? answer.value : "failed"))).toEqual([
      2,
      "failed",
      6,
    ]);
    expect(await ask(4)).toBe(8);
  });
});

describe("tasks that end in the same instant", () => {
  it("are ended by a few statements, however many they are", async () => {
    const database = await createDatabase();
    const { sql } = database;
    await sql`create extension pg_stat_statements`;
    const calls = async (start: string) => {
      const [row] = await sql<{ calls: number }[]>`
        select coalesce(sum(calls), 0)::int as calls
        from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database())
          and query ~ ${start}
      `;
      return row!.calls;
    };
    const gate = Promise.withResolvers<void>();
    let started = 0;
    const run = (isGood: boolean) =>
      handler(async () => {
        started += 1;
        await gate.promise;
        if (!isGood) throw new Error("no luck");
      });
    const engine = await runEngine(database, { GOOD: run(true), BAD: run(false) }, { concurrency: 200 });
    await engine.owe("GOOD", 100);
    await engine.owe("BAD", 100);
    await until("all are in hand", () => started === 200);

    gate.resolve();
    await until("all have ended", async () => (await sql`select from task_error`).length === 100);
    await until("all are done", async () => (await sql`select from task where task_type = 'GOOD'`).length === 0);
    expect(await isEmpty(sql)).toBe(false);
    expect(await calls(String.raw`^\s*delete from task\s+using`)).toBeLessThanOrEqual(2);
    expect(await calls(String.raw`^\s*with failed as`)).toBeLessThanOrEqual(2);
  });
});
