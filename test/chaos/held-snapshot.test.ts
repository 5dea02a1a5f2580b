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

/** Rows of finished tasks that vacuum cannot remove yet. */
async function deadRows(): Promise<number> {
  await sql`vacuum task`;
  const [row] = await sql<{ count: number }[]>`
    select n_dead_tup::int as count
    from pg_stat_all_tables
    where relid = 'task'::regclass
  `;
  return row!.count;
}

/** Enqueues tasks at a steady rate, every ten milliseconds, and returns their number after some seconds. */
async function enqueueSteadily(wake: () => void): Promise<number> {
  const started = performance.now();
  let count = 0;
  while (count < perSecond * seconds) {
    const isDue = Math.floor(((performance.now() - started) / 1000) * perSecond) - count;
    if (isDue > 0) {
      await enqueue(sql, "WORK", isDue);
      wake();
      count += isDue;
    }
    // The interval between two batches.
    await delay(10);
  }
  return count;
}

it("1,000 tasks a second start promptly while a snapshot is open, and vacuum cleans up after it", async () => {
  const waits: number[] = [];
  const work = handler(({ task }) => void waits.push(task.claimed_at.getTime() / 1000 - Number(task.born)));
  const engine = await runEngine(database, { WORK: work }, { concurrency: 20 });
  const release = await hold(sql, async (holder) => {
    await holder`set transaction isolation level repeatable read`;
    await holder`select from task`;
  });
  await sql`insert into task (task_type) select 'WORK' from generate_series(1, ${doneBefore})`;
  engine.wake();
  await until("the first are done", () => isEmpty(sql), 60);

  waits.length = 0;
  const enqueued = await enqueueSteadily(engine.wake);
  await until("all are started", () => waits.length === enqueued, 5);
  const [median, last] = [0.5, 0.99].map((part) => waits.toSorted((a, b) => a - b)[Math.floor(enqueued * part)]!);
  const dead = await deadRows();
  console.log(
    `${perSecond} tasks/s with ${dead} dead rows: started after ${(median! * 1000).toFixed(1)} ms, ` +
      `99 of 100 within ${(last! * 1000).toFixed(1)} ms`,
  );
  expect(dead).toBeGreaterThan(doneBefore);
  expect(median).toBeLessThan(0.25);

  await release();
  await until("vacuum has cleared up", async () => (await deadRows()) === 0);
});
