import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { hold } from "../support/chaos.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { handler, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

describe("a type whose finish waits for a lock", () => {
  it.each([2, 4])("delays no other type, with %i connections for handlers", async (connections) => {
    const { sql, url } = await createDatabase();
    await sql`create table ledger (ledger_id int)`;
    await sql`create table other_ledger (task_id bigint)`;
    const taskSql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: connections }, "test tasks", 30);
    cleanUp(() => taskSql.end({ timeout: 1 }));
    const slow = handler(({ finish }) => finish((tx) => tx`insert into ledger values (1)`));
    const started = new Map<string, number>();
    const delays: number[] = [];
    const quick = handler(async ({ task, finish }) => {
      started.set(task.task_id, performance.now());
      // By the same connections as the transactions.
      await taskSql`select`;
      await finish((tx) => tx`insert into other_ledger values (${task.task_id})`);
      delays.push(performance.now() - started.get(task.task_id)!);
    });
    const engine = await runEngine({ sql, url }, { SLOW: slow, QUICK: quick }, { taskSql, concurrency: 20 });
    const unlock = await hold(sql, (tx) => tx`lock table ledger in access exclusive mode`);
    await engine.enqueue("SLOW", 4);
    const waits = () => sql`select from pg_locks where relation = 'ledger'::regclass and not granted`;
    await until("a transaction waits", async () => (await waits()).length > 0);

    for (let nth = 1; nth <= 10; nth += 1) {
      await engine.enqueue("QUICK");
      await until("it is done", () => delays.length === nth);
    }
    expect(Math.max(...delays)).toBeLessThan(1000);
    expect(await sql`select from other_ledger`).toHaveLength(10);
    expect(await sql`select from task_error`).toHaveLength(0);

    await unlock();
    await until("the others are done, too", async () => (await sql`select from ledger`).length === 4);
    expect(await sql`select from task_error`).toHaveLength(0);
  });

  it("stops waiting when its time is over, and leaves no transaction behind", async () => {
    const { sql, url } = await createDatabase();
    await sql`create table ledger (ledger_id int)`;
    const slow = handler(({ finish }) => finish((tx) => tx`insert into ledger values (1)`), { timeoutSeconds: 1 });
    const engine = await runEngine({ sql, url }, { SLOW: slow });
    const unlock = await hold(sql, (tx) => tx`lock table ledger in access exclusive mode`);
    await engine.enqueue("SLOW");
    await until("it has failed", async () => (await sql`select from task_error`).length === 1);
    const waits = () => sql`select from pg_locks where relation = 'ledger'::regclass and not granted`;
    await until("nothing waits any more", async () => (await waits()).length === 0);
    await unlock();
    expect(await sql`select error from task_error`).toEqual([{ error: "Not done within 1 s." }]);
    expect(await sql`select from ledger`).toHaveLength(0);
  });
});
