import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { claim } from "../../worker/engine/claim.ts";
import { finish, finishSkippingLocked, giveBack, type GivenBack } from "../../worker/engine/outcomes.ts";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
const retry = { error: "late", delay_seconds: 0, is_dead: false, is_counted: true, crashes: 0 };
const untried = { error: null, is_counted: false };
let mine: GivenBack;

beforeEach(async () => {
  await empty(sql);
  await enqueue(sql, "NOOP", 1, { unique_key: "once", priority: 7 });
  const worker_id = await addWorker(sql);
  const [task] = await claim(sql, worker_id, await findLanes(sql, ["NOOP"]), [1]);
  mine = { ...task!, worker_id, ...retry };
});

const everything = () => sql`
  select
    (select jsonb_agg(task) from task) as pending,
    (select jsonb_agg(task_error) from task_error) as history,
    (select jsonb_agg(task_dead) from task_dead) as dead
`;
const endings = {
  finish: (fence: GivenBack) => finish(sql, [fence]),
  "finish without waiting": (fence: GivenBack) => finishSkippingLocked(sql, [fence]),
  retry: (fence: GivenBack) => giveBack(sql, [fence]),
  bury: (fence: GivenBack) => giveBack(sql, [{ ...fence, is_dead: true }]),
  release: (fence: GivenBack) => giveBack(sql, [{ ...fence, ...untried, delay_seconds: null }]),
  snooze: (fence: GivenBack) => giveBack(sql, [{ ...fence, ...untried, delay_seconds: 60 }]),
};

describe.each(Object.entries(endings))("%s", (_, end) => {
  it.each<[string, () => GivenBack]>([
    ["an earlier attempt", () => ({ ...mine, attempt: mine.attempt - 1 })],
    ["a later attempt", () => ({ ...mine, attempt: mine.attempt + 1 })],
    ["another worker", () => ({ ...mine, worker_id: randomUUID() })],
    ["another task", () => ({ ...mine, task_id: "404" })],
  ])("changes nothing for %s", async (_, stale) => {
    const before = await everything();
    expect([...(await end(stale()))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it("changes nothing once the task was reclaimed", async () => {
    await sql`update task set worker_id = null`;
    const before = await everything();
    expect([...(await end(mine))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it("changes the task of its own claim, and nothing the second time", async () => {
    const before = await everything();
    await end(mine);
    const after = await everything();
    expect(after).not.toEqual(before);
    expect([...(await end(mine))]).toEqual([]);
    expect(await everything()).toEqual(after);
  });
});

describe.each([
  ["snoozed", 0],
  ["released", null],
])("a task that was %s", (_, delay_seconds) => {
  it("is not given back again by a statement that is repeated, though the next claim counts the same attempt", async () => {
    const given = { ...mine, ...untried, delay_seconds };
    await giveBack(sql, [given]);
    const [again] = await claim(sql, mine.worker_id, await findLanes(sql, ["NOOP"]), [1]);
    expect(again?.attempt).toBe(mine.attempt);
    const before = await everything();
    expect([...(await giveBack(sql, [given]))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });
});

describe("a batch of outcomes", () => {
  it("records the tasks of its own claim, and returns which", async () => {
    await enqueue(sql, "NOOP", 2);
    const tasks = await claim(sql, mine.worker_id, await findLanes(sql, ["NOOP"]), [2]);
    const [lost, held] = tasks.map((task) => ({ ...task, worker_id: mine.worker_id, ...retry }));
    await sql`update task set worker_id = null where task_id = ${lost!.task_id}`;

    expect([...(await finish(sql, [lost!, mine]))]).toEqual([{ task_id: mine.task_id, attempt: 1, is_recorded: true }]);
    expect([...(await giveBack(sql, [lost!, { ...held!, is_dead: true }]))]).toEqual([
      { task_id: held!.task_id, attempt: 1, is_recorded: true },
    ]);
    expect(await sql`select task_id from task_error`).toEqual([{ task_id: held!.task_id }]);
    expect(await sql`select task_id from task`).toEqual([{ task_id: lost!.task_id }]);
  });

  it.each([
    ["finish", finishSkippingLocked],
    ["give back", (_: unknown, tasks: GivenBack[]) => giveBack(sql, tasks)],
  ] as const)("leaves out a row that another transaction has locked, and says so: %s", async (_, end) => {
    await enqueue(sql, "NOOP");
    const [task] = await claim(sql, mine.worker_id, await findLanes(sql, ["NOOP"]), [1]);
    const other = { ...task!, worker_id: mine.worker_id, ...retry };
    await sql.begin(async (tx) => {
      await tx`select from task where task_id = ${mine.task_id} for update`;
      const rows = [...(await end(sql, [mine, other]))].toSorted((a, b) => Number(a.task_id) - Number(b.task_id));
      expect(rows).toEqual([
        { task_id: mine.task_id, attempt: 1, is_recorded: false },
        { task_id: other.task_id, attempt: 1, is_recorded: true },
      ]);
    });
    expect(await sql`select task_id from task where worker_id is not null`).toEqual([{ task_id: mine.task_id }]);
  });
});
