import { beforeEach, describe, expect, it } from "vitest";
import { chaosWorker, enqueueTasks } from "../support/chaos.ts";
import { createDatabase, empty } from "../support/database.ts";
import { enqueue, isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
beforeEach(() => empty(sql));

const start = () => chaosWorker(url, "smtp://127.0.0.1:1");
const open = (type: string) => sql`select attempt, crashes, worker_id from task where task_type = ${type}`;

describe("a poison task", () => {
  it("crashes in a process of its own: nothing else loses an attempt or waits", async () => {
    await enqueueTasks(sql, "LAST", { seconds: 5 });
    const worker = start();
    await until("a neighbor is running", () => worker.logged("begun").length === 1);
    // One attempt is left.
    await enqueue(sql, "CRASH", 1, { attempt: 9, crashes: 2 });
    await until("it runs isolated", () => worker.logged("poison task: runs isolated").length > 0);

    await enqueueTasks(sql, "NO_OP", {});
    await until("a new task is done meanwhile", async () => (await open("NO_OP")).length === 0, 3);
    const dead = () => sql`select attempt from task_dead`;
    await until("it is dead", async () => (await dead()).length > 0);
    expect(worker.logged("the isolated process ended without an outcome")).toHaveLength(1);
    expect(await dead()).toEqual([{ attempt: 10 }]);
    expect(await sql`select attempt from task_error`).toEqual([{ attempt: 10 }]);

    await until("the neighbor is done", () => isEmpty(sql));
    const ends = () => worker.logged("done").filter(({ task_type }) => task_type === "LAST");
    await until("it is logged", () => ends().length > 0);
    expect(ends()).toMatchObject([{ attempt: 1 }]);
    expect(await worker.end()).toBe(0);
    expect(await sql`select from worker`).toHaveLength(0);
  });

  it("that does not crash again is done, once", async () => {
    await enqueue(sql, "NO_OP", 1, { attempt: 2, crashes: 2 });
    const worker = start();
    await until("it is done", () => isEmpty(sql));
    expect(worker.logged("poison task: runs isolated")).toHaveLength(1);
    await until("it is logged", () => worker.logged("done").length === 1);
    expect(await worker.end()).toBe(0);
    expect(await sql`select from worker`).toHaveLength(0);
  });
});
