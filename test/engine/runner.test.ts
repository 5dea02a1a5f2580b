import { pino } from "pino";
import { expect, it } from "vitest";
import { claim } from "../../worker/engine/claim.ts";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createRunner } from "../../worker/engine/runner.ts";
import { createTransactions } from "../../worker/engine/transactions.ts";
import { createDatabase } from "../support/database.ts";
import { addWorker, handler, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();

it("what is dropped before it was started is released, and never started", async () => {
  const started: string[] = [];
  const released: string[] = [];
  const runner = createRunner({
    log: pino({ level: "silent" }),
    handlers: { WORK: handler(({ task }) => void started.push(task.task_id)) },
    concurrency: 10,
    transactions: createTransactions(sql),
    record: (task, outcome, onRecorded) => {
      if (outcome.kind === "released") released.push(task.task_id);
      onRecorded("released");
    },
    onEnd: () => {},
    onRecorded: () => {},
  });
  const ids = await enqueue(sql, "WORK", 3);
  const workerId = await addWorker(sql);
  const claimed = await claim(sql, workerId, await findLanes(sql, ["WORK"]), [3]);
  const tasks = claimed.map((task) => ({ ...task, worker_id: workerId }));

  const starting = runner.start(tasks);
  expect([runner.free, runner.running.get("WORK"), runner.held.length]).toEqual([7, 3, 3]);
  runner.drop("The claim was lost.");
  await starting;
  expect(started).toEqual([]);
  expect(released.toSorted()).toEqual(ids);
  expect([runner.free, runner.running.get("WORK"), runner.held.length]).toEqual([10, 0, 0]);
});
