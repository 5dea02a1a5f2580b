import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { OutcomeUnknown, Permanent, RetryLater } from "../../worker/engine/errors.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const history = () =>
  sql<{ task_id: string; attempt: number; error: string }[]>`
    select task_id, attempt, error from task_error order by task_id, attempt
  `;
const dead = () => sql<{ attempt: number; reason: string }[]>`select attempt, reason from task_dead`;

/** Throws a value that is not an error. */
function toss(value: unknown): never {
  throw value;
}

describe("params that do not fit", () => {
  it("are dead at once, with the schema's message", async () => {
    const params = z.object({ usr_id: z.string() });
    const engine = await runEngine(database, { STRICT: handler(() => expect.unreachable(), { params }) });
    await engine.enqueue("STRICT", 1, { params: sql.json({ usr_id: [] }) });
    await until("it is dead", async () => (await dead())[0]);
    expect(await dead()).toEqual([
      { attempt: 1, reason: expect.stringMatching(/params do not fit.*usr_id/s) as string },
    ]);
  });
});

describe("a handler", () => {
  it("starts when its attempt is committed, and holds no transaction while it waits", async () => {
    const gate = Promise.withResolvers<void>();
    const seen: unknown[] = [];
    const look = handler(async ({ task }) => {
      seen.push(...(await sql`select attempt, worker_id from task where task_id = ${task.task_id}`));
      await gate.promise;
    });
    const engine = await runEngine(database, { LOOK: look }, { concurrency: 30 });
    await engine.enqueue("LOOK", 30);
    await until("all have started", () => seen.length === 30);
    expect(seen).toEqual(seen.map(() => ({ attempt: 1, worker_id: expect.any(String) as string })));
    const open = await sql`
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
    `;
    expect(open).toHaveLength(0);
    gate.resolve();
    await until("all are done", () => isEmpty(sql));
  });

  it.each([
    ["an error", () => toss(new Error("no luck")), "no luck"],
    ["a string", () => toss("no luck"), "thrown: no luck"],
    ["nothing", () => toss(undefined), "thrown: undefined"],
    ["what has no text", () => toss(Object.create(null)), "thrown"],
    ["an error whose message is no text", () => toss(Object.assign(new Error(), { message: { no: "luck" } })), ""],
    ["a null byte", () => toss(new Error("no\0 luck")), "no luck"],
    ["before there is a promise", () => toss(new Error("at once")), "at once"],
    ["a delay that is no number", () => toss(new RetryLater(Number.NaN, "not a number")), "not a number"],
    ["a delay without end", () => toss(new RetryLater(Infinity, "too long")), "too long"],
  ])("that throws %s has failed once, and the worker lives on", async (_, run, error) => {
    const engine = await runEngine(database, { FAIL: handler(run), WORK: handler(() => {}) });
    await engine.enqueue("FAIL");
    await until("it has failed", async () => (await history())[0]);
    expect(await history()).toEqual([{ task_id: "1", attempt: 1, error: expect.stringContaining(error) as string }]);
    expect(await sql`select attempt, worker_id, run_at > now() as is_later from task`).toEqual([
      { attempt: 1, worker_id: null, is_later: true },
    ]);
    await engine.enqueue("WORK");
    await until("others are done", async () => (await sql`select from task where task_type = 'WORK'`).length === 0);
  });

  it("names its own delay", async () => {
    const engine = await runEngine(database, { BUSY: handler(() => toss(new RetryLater(3600, "come back later"))) });
    await engine.enqueue("BUSY");
    await until("it has failed", async () => (await history())[0]);
    expect(await sql`select run_at - failed_at as delay from task join task_error using (task_id)`).toEqual([
      { delay: "01:00:00" },
    ]);
  });

  it("can say that trying again is no use", async () => {
    const engine = await runEngine(database, { GONE: handler(() => toss(new Permanent("nobody lives here"))) });
    await engine.enqueue("GONE");
    await until("it is dead", async () => (await dead())[0]);
    expect(await dead()).toEqual([{ attempt: 1, reason: "nobody lives here" }]);
  });

  it("is started as often as its type allows, then the task is dead for the last reason", async () => {
    let starts = 0;
    const fail = handler(() => toss(new Error(`failure ${++starts}`)), { maxAttempts: 3, backoffSeconds: () => 0 });
    const engine = await runEngine(database, { FAIL: fail });
    await engine.enqueue("FAIL");
    await until("it is dead", async () => {
      engine.wake();
      return (await dead())[0];
    });
    expect(starts).toBe(3);
    expect(await dead()).toEqual([{ attempt: 3, reason: "failure 3" }]);
    expect((await history()).map(({ attempt, error }) => [attempt, error])).toEqual([
      [1, "failure 1"],
      [2, "failure 2"],
      [3, "failure 3"],
    ]);
    expect(engine.lines.filter(({ task_id }) => task_id === "1").map(({ attempt, msg }) => [attempt, msg])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "dead"],
    ]);
  });
});

describe("an outcome that the handler calls unknown", () => {
  it.each([
    ["retry", { pending: 1, dead: 0 }],
    ["bury", { pending: 0, dead: 1 }],
  ] as const)("is left to the type: %s", async (afterUnknown, expected) => {
    const engine = await runEngine(database, {
      MAIL: handler(() => toss(new OutcomeUnknown("no answer")), { afterUnknown }),
    });
    await engine.enqueue("MAIL");
    await until("it has failed", async () => (await history())[0]);
    expect({ pending: (await sql`select from task`).length, dead: (await dead()).length }).toEqual(expected);
  });
});
