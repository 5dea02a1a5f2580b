import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, owe, runEngine } from "../support/engine.ts";
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
const lastBeat = async () => Number((await sql`select extract(epoch from seen_at) as at from worker`)[0]?.at);
const isDead = async () => (await dead()).length === 1;

describe("a task whose attempt ended in a crash", () => {
  it("is run again, where its type says so", async () => {
    await owe(sql, "WORK", 1, { attempt: 1, unsettled: 1 });
    await runEngine(database, { WORK: work({ afterUnknown: "retry" }) });
    await until("it is done", () => isEmpty(sql));
    expect(starts).toBe(1);
  });

  it("is buried unstarted, where its type leaves it to a person", async () => {
    await owe(sql, "WORK", 1, { attempt: 1, unsettled: 1 });
    await runEngine(database, { WORK: work({ afterUnknown: "bury" }) });
    await until("it is dead", isDead);
    expect(starts).toBe(0);
    expect(await dead()).toEqual([
      { attempt: 1, reason: "An attempt ended without an outcome: somebody has to look." },
    ]);
  });

  it("is not started once more than its type allows", async () => {
    await owe(sql, "WORK", 1, { attempt: 3, unsettled: 3 });
    await runEngine(database, { WORK: work({ maxAttempts: 3 }) });
    await until("it is dead", isDead);
    expect(starts).toBe(0);
    expect(await dead()).toEqual([{ attempt: 3, reason: "The last attempt ended without an outcome." }]);
  });
});

describe("a task whose last two attempts ended in a crash", () => {
  const inHand = new Set<string>();
  let gate = Promise.withResolvers<void>();
  /** Each waits at the gate that stands while it starts. */
  const waiting = handler(async ({ task }) => {
    inHand.add(task.task_id);
    await gate.promise;
    inHand.delete(task.task_id);
  });
  beforeEach(() => {
    inHand.clear();
    gate = Promise.withResolvers();
  });

  it("runs alone, while the others wait, and they go on afterwards", async () => {
    const [suspect] = await owe(sql, "WAIT", 1, { attempt: 2, unsettled: 2 });
    await owe(sql, "WAIT", 5);
    const engine = await runEngine(database, { WAIT: waiting, QUICK: handler(() => {}) }, { heartbeatSeconds: 0.2 });
    await until("it has started", () => inHand.has(suspect!));

    const quick = await engine.owe("QUICK", 5);
    const start = await lastBeat();
    await until("the heart has beaten, and nobody else was started", async () => {
      engine.wake();
      return (await lastBeat()) > start;
    });
    expect([...inHand]).toEqual([suspect]);
    expect(await sql`select from task where task_type = 'QUICK' and attempt = 0`).toHaveLength(quick.length);

    gate.resolve();
    await until("all are done", () => isEmpty(sql));
  });

  it("waits until nothing is in hand", async () => {
    const engine = await runEngine(database, { WAIT: waiting, QUICK: handler(() => {}) });
    const [first] = await engine.owe("WAIT");
    await until("the first is in hand", () => inHand.has(first!));
    const firstGate = gate;
    gate = Promise.withResolvers();

    const [suspect] = await engine.owe("WAIT", 1, { attempt: 2, unsettled: 2 });
    const [quick] = await engine.owe("QUICK");
    await until("another is done", async () => (await sql`select from task where task_id = ${quick!}`).length === 0);
    expect([...inHand]).toEqual([first]);

    firstGate.resolve();
    await until("it has started", () => inHand.has(suspect!));
    expect([...inHand]).toEqual([suspect]);
    gate.resolve();
    await until("all are done", () => isEmpty(sql));
  });

  it("is like any other once an attempt had an outcome", async () => {
    await owe(sql, "FAIL", 1, { attempt: 2, unsettled: 2 });
    await runEngine(database, { FAIL: handler(() => Promise.reject(new Error("no luck"))) });
    await until("it has failed", async () => (await sql`select from task_error`).length === 1);
    expect(await sql`select attempt, unsettled, worker_id from task`).toEqual([
      { attempt: 3, unsettled: 0, worker_id: null },
    ]);
  });
});
