import { beforeEach, describe, expect, it } from "vitest";
import { retryDead } from "../../app/ops/actions.ts";
import { createDatabase, empty } from "../support/database.ts";
import { enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
beforeEach(() => empty(sql));

/** A dead task whose id was taken before. */
async function bury(taskType: string, columns: object = {}): Promise<string> {
  const [task_id] = await enqueue(sql, taskType, 1, columns);
  await sql`
    with gone as (delete from task where task_id = ${task_id!} returning *)
    insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, reason, created_at)
    select task_id, task_type, params, priority, 5, unique_key, 'no luck', created_at
    from gone
  `;
  return task_id!;
}
const deadIds = async () =>
  (await sql`select task_id from task_dead order by task_id`).map(({ task_id }) => String(task_id));

describe("retrying a dead task", () => {
  it("enqueues a new task, with a new id and all its attempts", async () => {
    const dead = await bury("MAIL", { params: sql.json({ usr_id: "1" }), priority: 3, unique_key: "once" });
    const other = await bury("MAIL");

    const retried = await retryDead(sql, { task_id: dead }, null);
    const [{ task_id } = { task_id: null }] = retried;
    expect(retried.map((row) => ({ ...row }))).toEqual([{ dead_task_id: dead, task_id: expect.any(String) as string }]);
    expect([dead, other]).not.toContain(task_id);
    expect(
      await sql`
        select task_id, task_type, params, priority, unique_key, attempt, crashes, worker_id, run_at <= now() as is_due
        from task
      `,
    ).toEqual([
      {
        task_id,
        task_type: "MAIL",
        params: { usr_id: "1" },
        priority: 3,
        unique_key: "once",
        attempt: 0,
        crashes: 0,
        worker_id: null,
        is_due: true,
      },
    ]);
    expect(await deadIds()).toEqual([other]);
  });

  it("retries all of a type, and no other", async () => {
    const mails = [await bury("MAIL"), await bury("MAIL")];
    const other = await bury("OTHER");
    expect((await retryDead(sql, { task_type: "MAIL" }, null)).map(({ dead_task_id }) => dead_task_id)).toEqual(mails);
    expect(await sql`select task_type from task`).toEqual([{ task_type: "MAIL" }, { task_type: "MAIL" }]);
    expect(await deadIds()).toEqual([other]);
  });

  it("leaves a task whose unique key is pending again, and says so", async () => {
    const dead = await bury("MAIL", { unique_key: "once" });
    const free = await bury("MAIL", { unique_key: "twice" });
    await enqueue(sql, "MAIL", 1, { unique_key: "once" });
    expect((await retryDead(sql, { task_type: "MAIL" }, null)).map((row) => ({ ...row }))).toEqual([
      { dead_task_id: dead, task_id: null },
      { dead_task_id: free, task_id: expect.any(String) as string },
    ]);
    expect(await deadIds()).toEqual([dead]);
  });

  it("retries the latest of those that share a unique key", async () => {
    const [earlier, later] = [await bury("MAIL", { unique_key: "once" }), await bury("MAIL", { unique_key: "once" })];
    await sql`update task_dead set died_at = died_at - interval '1 day' where task_id = ${earlier}`;
    expect((await retryDead(sql, { task_type: "MAIL" }, null)).map((row) => ({ ...row }))).toEqual([
      { dead_task_id: earlier, task_id: null },
      { dead_task_id: later, task_id: expect.any(String) as string },
    ]);
  });

  it("retries a task once when five calls race", async () => {
    const dead = await bury("MAIL");
    await Promise.all(Array.from({ length: 5 }, () => retryDead(sql, { task_id: dead }, null)));
    expect(await sql`select from task`).toHaveLength(1);
    expect(await deadIds()).toEqual([]);
  });

  it("retries the latest 10,000 of many, and the others with the next call", async () => {
    await sql`
      insert into task_dead (task_id, task_type, params, priority, attempt, reason, created_at, died_at)
      select -n, 'MAIL', '{}', 0, 5, 'no luck', now(), now() - make_interval(secs => n)
      from generate_series(1, 10001) as n
    `;
    expect(await retryDead(sql, { task_type: "MAIL" }, null)).toHaveLength(10_000);
    expect(await deadIds()).toEqual(["-10001"]);
    expect(await retryDead(sql, { task_type: "MAIL" }, null)).toHaveLength(1);
  });

  it("does nothing for an id that is not dead", async () => {
    expect(await retryDead(sql, { task_id: "404" }, null)).toHaveLength(0);
    expect(await sql`select from task`).toHaveLength(0);
  });
});
