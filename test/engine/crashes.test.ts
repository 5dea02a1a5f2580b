import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
let starts = 0;
beforeEach(async () => {
  await empty(sql);
  starts = 0;
});

const work = (options: object) => handler(() => void (starts += 1), options);
const dead = () => sql`select attempt, reason from task_dead`;
const isDead = async () => (await dead()).length === 1;

describe("a task whose attempt ended in a crash", () => {
  it("is run again, where its type says so", async () => {
    await enqueue(sql, "WORK", 1, { attempt: 1, crashes: 1 });
    await runEngine(database, { WORK: work({ afterUnknown: "retry" }) });
    await until("it is done", () => isEmpty(sql));
    expect(starts).toBe(1);
  });

  it("is dead without a start, where its type leaves it to a person", async () => {
    await enqueue(sql, "WORK", 1, { attempt: 1, crashes: 1 });
    await runEngine(database, { WORK: work({ afterUnknown: "bury" }) });
    await until("it is dead", isDead);
    expect(starts).toBe(0);
    expect(await dead()).toEqual([
      { attempt: 1, reason: "An attempt ended without an outcome: somebody has to look." },
    ]);
  });

  it("is not started once more than its type allows", async () => {
    await enqueue(sql, "WORK", 1, { attempt: 3, crashes: 3 });
    await runEngine(database, { WORK: work({ maxAttempts: 3 }) });
    await until("it is dead", isDead);
    expect(starts).toBe(0);
    expect(await dead()).toEqual([{ attempt: 3, reason: "The last attempt ended without an outcome." }]);
  });
});

describe("a task whose last two attempts ended in a crash", () => {
  it("is like any other once an attempt had an outcome", async () => {
    await enqueue(sql, "FAIL", 1, { attempt: 2, crashes: 2 });
    await runEngine(database, { FAIL: handler(() => Promise.reject(new Error("no luck"))) });
    await until("it has failed", async () => (await sql`select from task_error`).length === 1);
    expect(await sql`select attempt, crashes, worker_id from task`).toEqual([
      { attempt: 3, crashes: 0, worker_id: null },
    ]);
  });
});
