import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { claim } from "../../worker/engine/claim.ts";
import { finish } from "../../worker/engine/outcomes.ts";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
const types = ["ONE", "TWO"];
let worker: string;

beforeEach(async () => {
  await empty(sql);
  worker = await addWorker(sql);
});

/** Up to `quota` tasks of each lane. */
async function take(workerId = worker, quota = 1000) {
  const lanes = await findLanes(sql, types);
  return claim(
    sql,
    workerId,
    lanes,
    lanes.map(() => quota),
  );
}
const idsOf = (tasks: { task_id: string }[]) => tasks.map(({ task_id }) => task_id).toSorted();

describe("claim", () => {
  it("counts the attempt, names the worker, and returns the task", async () => {
    await enqueue(sql, "ONE", 1, { params: sql.json({ usr_id: "1" }), priority: 3, attempt: 4, crashes: 1 });
    const [task] = await take();
    expect(task).toEqual({
      task_id: "1",
      task_type: "ONE",
      params: { usr_id: "1" },
      priority: 3,
      attempt: 5,
      crashes: 1,
      claimed_at: expect.any(Date) as Date,
      run_at: expect.any(String) as string,
      due_since: expect.any(Number) as number,
      born: expect.stringMatching(/^\d{10}\.\d{6}$/) as string,
    });
    expect(await sql`select attempt, worker_id from task`).toEqual([{ attempt: 5, worker_id: worker }]);
  });

  it("takes the oldest first, and leaves the future, the running and the unknown", async () => {
    const [young] = await enqueue(sql, "ONE");
    const [old] = await enqueue(sql, "ONE", 1, { run_at: "2026-01-01" });
    await enqueue(sql, "ONE", 1, { run_at: "2100-01-01" });
    await enqueue(sql, "ONE", 1, { worker_id: await addWorker(sql) });
    await enqueue(sql, "THREE");

    expect(idsOf(await take(worker, 1))).toEqual([old]);
    expect(idsOf(await take())).toEqual([young]);
    expect(idsOf(await take())).toEqual([]);
  });

  it("takes -infinity, and never infinity", async () => {
    await enqueue(sql, "ONE", 3);
    await enqueue(sql, "TWO");
    await sql`update task set run_at = case task_type when 'ONE' then '-infinity' else 'infinity' end::timestamptz`;
    expect(idsOf(await take(worker, 2))).toEqual(["1", "2"]);
    expect(idsOf(await take())).toEqual(["3"]);
    expect(await take()).toHaveLength(0);
  });

  it("takes nothing for a worker without a session", async () => {
    await enqueue(sql, "ONE");
    expect(await take(randomUUID())).toHaveLength(0);
    expect(await sql`select attempt, worker_id from task`).toEqual([{ attempt: 0, worker_id: null }]);
  });

  it("gives each task to one worker, however many claim at once", async () => {
    const enqueued = await enqueue(sql, "ONE", 200);
    const workers = await Promise.all(Array.from({ length: 8 }, () => addWorker(sql)));
    const taken: { task_id: string }[] = [];
    while (taken.length < enqueued.length) {
      const claimed = (await Promise.all(workers.map((id) => take(id, 10)))).flat();
      expect(claimed.length).toBeGreaterThan(0);
      taken.push(...claimed);
    }
    expect(idsOf(taken)).toEqual(enqueued.toSorted());
    expect(await sql`select distinct attempt from task`).toEqual([{ attempt: 1 }]);
  });
});

describe("a unique key", () => {
  it("is enqueued once per type while its task is pending or running", async () => {
    await enqueue(sql, "ONE", 1, { unique_key: "a" });
    const again = (type: string) => enqueue(sql, type, 1, { unique_key: "a" });
    await expect(again("ONE")).rejects.toThrow("task_unique_key");
    await again("TWO");
    const tasks = await take();
    await expect(again("ONE")).rejects.toThrow("task_unique_key");

    await finish(
      sql,
      tasks.map((task) => ({ ...task, worker_id: worker })),
    );
    await again("ONE");
  });
});
