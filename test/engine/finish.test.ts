import { beforeEach, describe, expect, it } from "vitest";
import type { Attempt } from "../../worker/engine/task.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const addUser: Parameters<Attempt<unknown>["finish"]>[0] = (tx) =>
  tx`insert into usr (email, password_hash) values ('ada@example.com', 'none')`;
const users = () => sql`select from usr`;

describe("finish", () => {
  it("commits the handler's writes with the task's deletion, not one before the other", async () => {
    const gate = Promise.withResolvers<void>();
    let hasWritten = false;
    const write = handler(({ finish }) =>
      finish(async (tx) => {
        await addUser(tx);
        hasWritten = true;
        await gate.promise;
      }),
    );
    const engine = await runEngine(database, { WRITE: write });
    await engine.enqueue("WRITE");
    await until("it has written", () => hasWritten);
    expect([await users(), await isEmpty(sql)]).toEqual([[], false]);

    gate.resolve();
    await until("the task is done", () => isEmpty(sql));
    expect(await users()).toHaveLength(1);
    await until("it is logged", () => engine.lines.some(({ msg }) => msg === "done"));
  });

  it("commits nothing when the writes fail", async () => {
    const write = handler(({ finish }) =>
      finish(async (tx) => {
        await addUser(tx);
        throw new Error("second thoughts");
      }),
    );
    const engine = await runEngine(database, { WRITE: write });
    await engine.enqueue("WRITE");
    await until("it has failed", async () => (await sql`select from task_error`).length > 0);
    expect(await sql`select error from task_error`).toEqual([{ error: "second thoughts" }]);
    expect([await users(), await isEmpty(sql)]).toEqual([[], false]);
  });

  it("writes nothing when another worker has claimed the task", async () => {
    const other = await addWorker(sql);
    let thrown: unknown;
    const write = handler(async ({ finish }) => {
      await sql`update task set worker_id = ${other}, attempt = attempt + 1`;
      await finish(addUser).catch((error: unknown) => (thrown = error));
    });
    const engine = await runEngine(database, { WRITE: write });
    await engine.enqueue("WRITE");
    await until("it is lost", () => engine.lines.some(({ msg }) => msg.startsWith("lost")));
    expect(thrown).toEqual(new Error("Another worker has the task by now: nothing was written."));
    expect(await users()).toHaveLength(0);
    expect(await sql`select attempt, worker_id from task`).toEqual([{ attempt: 2, worker_id: other }]);
  });

  it("writes nothing after the time-out", async () => {
    const gate = Promise.withResolvers<void>();
    const write = handler(({ finish }) => gate.promise.then(() => finish(addUser)).finally(() => (isOver = true)), {
      timeoutSeconds: 0.1,
    });
    let isOver = false;
    const engine = await runEngine(database, { WRITE: write });
    await engine.enqueue("WRITE");
    await until("it has failed", async () => (await sql`select from task_error`).length > 0);
    gate.resolve();
    await until("it is over", () => isOver);
    expect([await users(), await isEmpty(sql)]).toEqual([[], false]);
  });

  it("is the end: an error after it runs nothing again", async () => {
    const write = handler(async ({ finish }) => {
      await finish(addUser);
      throw new Error("afterthought");
    });
    const engine = await runEngine(database, { WRITE: write });
    await engine.enqueue("WRITE");
    await until("the task is done", () => isEmpty(sql));
    expect(await sql`select from task_error`).toHaveLength(0);
  });
});
