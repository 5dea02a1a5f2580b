import { beforeEach, describe, expect, it } from "vitest";
import type { Handler } from "../../worker/engine/task.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const longestDelayMilliseconds = 1000;

describe("a new task, while another type", () => {
  const never = new Promise<never>(() => {});
  it.each<[string, Handler]>([
    ["has a large backlog", handler(() => new Promise((resolve) => setTimeout(resolve, 20)))],
    ["hangs", handler(() => never)],
    ["always times out", handler(() => never, { timeoutSeconds: 0.05, backoffSeconds: () => 0, maxAttempts: 30_000 })],
    [
      "always fails",
      handler(() => Promise.reject(new Error("no luck")), { backoffSeconds: () => 0, maxAttempts: 30_000 }),
    ],
  ])("%s, is started within a second, without a notification and at the lowest priority", async (_, other) => {
    await sql`insert into task (task_type, priority) select 'OTHER', -9 from generate_series(1, 20000)`;
    const waits: number[] = [];
    const work = handler(({ task }) => void waits.push(task.claimed_at.getTime() - Number(task.born) * 1000));
    await runEngine(database, { OTHER: other, WORK: work }, { concurrency: 5 });
    await until("the other type is running", async () => {
      return (await sql`select from task where task_type = 'OTHER' and attempt > 0 limit 1`).length > 0;
    });

    for (const count of [1, 2, 3]) {
      await enqueue(sql, "WORK", 1, { priority: 9 });
      await until("it has started", () => waits.length === count);
    }
    expect(Math.max(...waits)).toBeLessThan(longestDelayMilliseconds);
    expect((await sql`select from task where task_type = 'OTHER' limit 1`).length).toBe(1);
  });
});

describe("tasks that are due together", () => {
  it("start by priority", async () => {
    const started: number[] = [];
    const note = handler(({ task }) => void started.push(task.priority));
    for (const priority of [3, -2, 0, 2, -1, 1]) await enqueue(sql, "NOTE", 5, { priority });
    await runEngine(database, { NOTE: note }, { concurrency: 1 });
    await until("all have started", () => started.length === 30);
    expect(started).toEqual(started.toSorted((a, b) => a - b));
  });

  it("share the slots by type", async () => {
    const running: string[] = [];
    const wait = handler(async ({ task }) => {
      running.push(task.task_type);
      await new Promise(() => {});
    });
    for (const type of ["A", "B", "C"]) await enqueue(sql, type, 100);
    await runEngine(database, { A: wait, B: wait, C: wait }, { concurrency: 9 });
    await until("all slots are in use", () => running.length === 9);
    expect(running.toSorted().join("")).toBe("AAABBBCCC");
  });
});
