import { existsSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue, handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

// Runs in the copy that growing.test.ts makes: only there does each worker have its own part of the tasks.
const hasParts = existsSync(new URL("../../migrations/0100_task_part.sql", import.meta.url));

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const soon = { heartbeatSeconds: 0.2, leaseSeconds: 2 };
const parts = 16;
const tasksPerPart = 128;
/** A second, a search for lanes, and a machine that is busy. */
const mostSeconds = 4;

/** A handler that keeps how many seconds after its creation each task was claimed. */
function keepWaits() {
  const waits = new Map<string, number[]>();
  const work = handler(({ task }) => {
    const wait = task.claimed_at.getTime() / 1000 - Number(task.born);
    waits.set(task.task_id, [...(waits.get(task.task_id) ?? []), wait]);
  });
  return { waits, work };
}

describe.skipIf(!hasParts)("workers with parts of their own", () => {
  it("run every task once, and soon, while workers come and go", async () => {
    const { waits, work } = keepWaits();
    const start = () => runEngine(database, { WORK: work }, soon);
    const first = await start();
    const engines = [first, await start(), await start()];
    const enqueued: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      enqueued.push(...(await enqueue(sql, "WORK", tasksPerPart)));
      for (const engine of engines) engine.wake();
      if (round % 5 === 1) engines.push(await start());
      if (round % 5 === 3) await engines.shift()!.stop(5);
    }
    await until("all are done", () => isEmpty(sql));
    expect([...waits.keys()].toSorted()).toEqual(enqueued.toSorted());
    expect([...waits.values()].filter((starts) => starts.length !== 1)).toEqual([]);
    expect(Math.max(...[...waits.values()].flat())).toBeLessThan(mostSeconds);
  });

  it("leave the tasks of another worker's parts for a second, and then run them", async () => {
    const { waits, work } = keepWaits();
    const engine = await runEngine(database, { WORK: work }, soon);
    // It has a live session, and claims nothing.
    await addWorker(sql);
    const joined = performance.now();
    await until("the engine has counted it", () => performance.now() - joined > 1000);
    await engine.enqueue("WORK", parts * tasksPerPart);
    await until("all are done", () => isEmpty(sql));

    const seconds = [...waits.values()].flat();
    const late = seconds.filter((wait) => wait >= 1).length;
    expect(seconds).toHaveLength(parts * tasksPerPart);
    expect(late).toBeGreaterThanOrEqual((parts / 4) * tasksPerPart);
    expect(late).toBeLessThan(parts * tasksPerPart);
    expect(Math.max(...seconds)).toBeLessThan(mostSeconds);
  });
});
