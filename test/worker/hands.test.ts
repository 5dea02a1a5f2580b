import { pino } from "pino";
import { expect, it } from "vitest";
import { createHands } from "../../worker/engine/runner.ts";
import { createDatabase } from "../support/database.ts";
import { addWorker, handler, owe } from "../support/engine.ts";
import { claim } from "../../worker/engine/claim.ts";
import { survey } from "../../worker/engine/find-lanes.ts";

const { sql } = await createDatabase();

it("what is dropped before it was started is never started", async () => {
  const started: string[] = [];
  const handlers = { WORK: handler(({ task }) => void started.push(task.task_id)) };
  const hands = createHands({
    sql,
    log: pino({ level: "silent" }),
    handlers,
    settle: (_handler, _task, _outcome, done) => done("done"),
    onFree: () => {},
  });
  await owe(sql, "WORK", 3);
  const workerId = await addWorker(sql);
  const claimed = await claim(sql, workerId, await survey(sql, ["WORK"]), [3]);
  const tasks = claimed.map((task) => ({ ...task, worker_id: workerId }));

  const taking = hands.take(tasks);
  expect([hands.count, hands.held.get("WORK"), hands.known.length]).toEqual([3, 3, 3]);
  hands.drop("The claim was lost.");
  await taking;
  expect(started).toEqual([]);
  expect([hands.count, hands.held.get("WORK"), hands.known.length]).toEqual([0, 0, 0]);
  await hands.allSettled();

  await hands.take(tasks);
  await hands.allSettled();
  expect(started.toSorted()).toEqual(tasks.map(({ task_id }) => task_id).toSorted());
});
