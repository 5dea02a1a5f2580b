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
  it("runs without delaying other tasks, and dies with its worker", async () => {
    await enqueue(sql, "LAST", 1, { attempt: 2, crashes: 2, params: sql.json({ seconds: 60 }) });
    const worker = start();
    await until("it is running isolated", () => worker.logged("begun").length === 1);
    for (let nth = 1; nth <= 5; nth += 1) {
      await enqueueTasks(sql, "NO_OP", {});
      await until("a new task is done meanwhile", async () => (await open("NO_OP")).length === 0, 2);
    }
    expect(await open("LAST")).toMatchObject([{ attempt: 3, crashes: 2 }]);

    // Its output closes when the isolated process has ended, too.
    expect(await worker.end("SIGKILL")).toBe(null);
    expect(await open("LAST")).toMatchObject([{ attempt: 3 }]);
    await sql`update task set params = '{"seconds": 0}'`;
    const successor = start();
    await until("it is done", () => isEmpty(sql), 30);
    expect(await sql`select attempt from task_error`).toEqual([{ attempt: 3 }]);
    expect(await successor.end()).toBe(0);
  });

  it("waits without a slot while another one runs, and keeps its attempts", async () => {
    await enqueue(sql, "LAST", 2, { attempt: 2, crashes: 2, params: sql.json({ seconds: 2 }) });
    const worker = start();
    await until("one is running isolated", () => worker.logged("begun").length === 1);
    await until("the other is put back", async () => {
      return (await sql`select from task where worker_id is null and attempt = 2 and crashes = 2`).length === 1;
    });
    await until("both are done", () => isEmpty(sql));
    expect(await worker.end()).toBe(0);
  });

  it("gets a turn of its own among many", async () => {
    await enqueue(sql, "NO_OP", 10, { attempt: 2, crashes: 2 });
    const worker = start();
    // About a second each.
    await until("all are done", () => isEmpty(sql), 30);
    expect(worker.logged("poison task: runs isolated")).toHaveLength(10);
    expect(await worker.end()).toBe(0);
  });
});
