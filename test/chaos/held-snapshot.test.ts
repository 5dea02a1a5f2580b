import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { hold } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const doneBefore = 60_000;
const perSecond = 1000;
const seconds = 10;

const database = await createDatabase();
const { sql } = database;

/** Rows that are done, and that Postgres may not clear away yet. */
async function deadRows(): Promise<number> {
  await sql`vacuum task`;
  const [row] = await sql<{ count: number }[]>`
    select n_dead_tup::int as count
    from pg_stat_all_tables
    where relid = 'task'::regclass
  `;
  return row!.count;
}

/** Owes so many tasks a second, each ten milliseconds some, and returns when the time is over. */
async function enqueueSteadily(wake: () => void): Promise<number> {
  const started = performance.now();
  let owed = 0;
  while (owed < perSecond * seconds) {
    const isDue = Math.floor(((performance.now() - started) / 1000) * perSecond) - owed;
    if (isDue > 0) {
      await enqueue(sql, "WORK", isDue);
      wake();
      owed += isDue;
    }
    // The pace of the load.
    await delay(10);
  }
  return owed;
}

it("1,000 tasks a second are kept up with while a snapshot is held, and vacuum clears up after it", async () => {
  const waits: number[] = [];
  const work = handler(({ task }) => void waits.push(task.claimed_at.getTime() / 1000 - Number(task.born)));
  const engine = await runEngine(database, { WORK: work }, { concurrency: 20 });
  const letGo = await hold(sql, async (holder) => {
    await holder`set transaction isolation level repeatable read`;
    await holder`select from task`;
  });
  await sql`insert into task (task_type) select 'WORK' from generate_series(1, ${doneBefore})`;
  engine.wake();
  await until("the first are done", () => isEmpty(sql), 60);

  waits.length = 0;
  const owed = await enqueueSteadily(engine.wake);
  await until("all are started", () => waits.length === owed, 5);
  const [median, last] = [0.5, 0.99].map((part) => waits.toSorted((a, b) => a - b)[Math.floor(owed * part)]!);
  const dead = await deadRows();
  console.log(
    `${perSecond} tasks/s with ${dead} dead rows: started after ${(median! * 1000).toFixed(1)} ms, ` +
      `99 of 100 within ${(last! * 1000).toFixed(1)} ms`,
  );
  expect(dead).toBeGreaterThan(doneBefore);
  expect(median).toBeLessThan(0.25);

  await letGo();
  await until("vacuum has cleared up", async () => (await deadRows()) === 0);
});
