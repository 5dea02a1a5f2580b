import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { claim } from "../../worker/engine/claim.ts";
import type { Held } from "../../worker/engine/fence.ts";
import { fail, finish } from "../../worker/engine/outcomes.ts";
import { putOff, release, type Delayed } from "../../worker/engine/release.ts";
import { survey } from "../../worker/engine/find-lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, owe } from "../support/engine.ts";

const { sql } = await createDatabase();
let mine: Delayed;

beforeEach(async () => {
  await empty(sql);
  await owe(sql, "NOOP", 1, { unique_key: "once", priority: 7 });
  const worker_id = await addWorker(sql);
  const [task] = await claim(sql, worker_id, await survey(sql, ["NOOP"]), [1]);
  mine = { ...task!, worker_id, delay_seconds: 0 };
});

const everything = () => sql`
  select
    (select jsonb_agg(task) from task) as owed,
    (select jsonb_agg(task_error) from task_error) as history,
    (select jsonb_agg(task_dead) from task_dead) as dead
`;
const failure = (held: Held, delay_seconds: number | null) => ({
  ...held,
  error: "late",
  delay_seconds,
  is_unstarted: false,
});

const endings = {
  finish: (held: Delayed) => finish(sql, [held]),
  "fail to retry": (held: Delayed) => fail(sql, [failure(held, 0)]),
  "fail to bury": (held: Delayed) => fail(sql, [failure(held, null)]),
  release: (held: Delayed) => release(sql, [held]),
};

describe.each(Object.entries(endings))("%s", (_, end) => {
  it.each<[string, () => Delayed]>([
    ["an earlier attempt", () => ({ ...mine, attempt: mine.attempt - 1 })],
    ["a later attempt", () => ({ ...mine, attempt: mine.attempt + 1 })],
    ["another worker", () => ({ ...mine, worker_id: randomUUID() })],
    ["another task", () => ({ ...mine, task_id: "404" })],
  ])("changes nothing for %s", async (_, stale) => {
    const before = await everything();
    expect([...(await end(stale()))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it("changes nothing once the claim was freed", async () => {
    await sql`update task set worker_id = null`;
    const before = await everything();
    expect([...(await end(mine))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it("changes what is held, and nothing the second time", async () => {
    const before = await everything();
    await end(mine);
    const after = await everything();
    expect(after).not.toEqual(before);
    expect([...(await end(mine))]).toEqual([]);
    expect(await everything()).toEqual(after);
  });
});

describe("a task that was put off", () => {
  it("is not put off again by the same word said twice, though the next claim counts the same attempt", async () => {
    await putOff(sql, [mine]);
    const [again] = await claim(sql, mine.worker_id, await survey(sql, ["NOOP"]), [1]);
    expect(again?.attempt).toBe(mine.attempt);
    const before = await everything();
    expect([...(await putOff(sql, [mine]))]).toEqual([]);
    expect(await everything()).toEqual(before);
  });
});

describe("a batch of endings", () => {
  it("ends those that are held, and answers which", async () => {
    await owe(sql, "NOOP", 2);
    const tasks = await claim(sql, mine.worker_id, await survey(sql, ["NOOP"]), [2]);
    const [lost, held] = tasks.map((task) => ({ ...task, worker_id: mine.worker_id }));
    await sql`update task set worker_id = null where task_id = ${lost!.task_id}`;

    expect([...(await finish(sql, [lost!, mine]))]).toEqual([{ task_id: mine.task_id, attempt: 1 }]);
    expect([...(await fail(sql, [failure(lost!, 0), failure(held!, null)]))]).toEqual([
      { task_id: held!.task_id, attempt: 1 },
    ]);
    expect(await sql`select task_id from task_error`).toEqual([{ task_id: held!.task_id }]);
    expect(await sql`select task_id from task`).toEqual([{ task_id: lost!.task_id }]);
  });
});
