import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { handler, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const never = new Promise<never>(() => {});
const history = () => sql<{ attempt: number; error: string }[]>`select attempt, error from task_error`;
const isDone = async (taskId?: string) => (await sql`select from task where task_id = ${taskId!}`).length === 0;
const timedOut = { attempt: 1, error: "Not done within 0.1 s." };

describe("a handler that takes too long", () => {
  it("gets an aborted signal, and its slot is free though the handler never settles", async () => {
    let reason: unknown;
    const hang = handler(
      ({ signal }) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason as unknown;
        });
        return never;
      },
      { timeoutSeconds: 0.1 },
    );
    const engine = await runEngine(database, { HANG: hang, WORK: handler(() => {}) }, { concurrency: 1 });
    await engine.enqueue("HANG");
    await until("it has failed", async () => (await history())[0]);
    expect(await history()).toEqual([timedOut]);
    expect(reason).toEqual(new Error("Not done within 0.1 s."));

    const [next] = await engine.enqueue("WORK");
    await until("the next is done", () => isDone(next));
  });

  it("is aborted from the start when it asks for its signal too late", async () => {
    const gate = Promise.withResolvers<void>();
    let isAborted: boolean | undefined;
    const late = handler(
      async (attempt) => {
        await gate.promise;
        isAborted = attempt.signal.aborted;
      },
      { timeoutSeconds: 0.1 },
    );
    const engine = await runEngine(database, { LATE: late });
    await engine.enqueue("LATE");
    await until("it has failed", async () => (await history())[0]);
    gate.resolve();
    await until("it has asked", () => isAborted !== undefined);
    expect(isAborted).toBe(true);
  });

  it.each([
    ["succeeds", () => {}],
    ["fails", () => Promise.reject(new Error("too late"))],
  ])("counts once, though it %s afterwards", async (_, end) => {
    const gate = Promise.withResolvers<void>();
    const late = handler(() => gate.promise.then(end), { timeoutSeconds: 0.1 });
    const engine = await runEngine(database, { LATE: late, WORK: handler(() => {}) });
    await engine.enqueue("LATE");
    await until("it has failed", async () => (await history())[0]);
    gate.resolve();

    const [next] = await engine.enqueue("WORK");
    await until("another is done after it", () => isDone(next));
    expect(await history()).toEqual([timedOut]);
    expect(await sql`select attempt, worker_id from task`).toEqual([{ attempt: 1, worker_id: null }]);
    expect(engine.lines.filter(({ task_type }) => task_type === "LATE")).toHaveLength(1);
  });

  it("is dead where its type does not repeat what may have happened", async () => {
    const engine = await runEngine(database, {
      HANG: handler(() => never, { timeoutSeconds: 0.1, afterUnknown: "bury" }),
    });
    await engine.enqueue("HANG");
    await until("it is dead", async () => (await sql`select from task_dead`).length === 1);
    expect(await sql`select attempt, reason from task_dead`).toEqual([{ attempt: 1, reason: timedOut.error }]);
  });
});
