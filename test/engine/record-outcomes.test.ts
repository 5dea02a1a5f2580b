import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

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
    await engine.enqueue("GOOD", 100);
    await engine.enqueue("BAD", 100);
    await until("all are running", () => started === 200);

    gate.resolve();
    await until("all have ended", async () => (await sql`select from task_error`).length === 100);
    await until("all are done", async () => (await sql`select from task where task_type = 'GOOD'`).length === 0);
    expect(await isEmpty(sql)).toBe(false);
    expect(await calls(String.raw`^\s*delete from task\s+using`)).toBeLessThanOrEqual(2);
    expect(await calls(String.raw`^\s*with fence as`)).toBeLessThanOrEqual(2);
  });
});
