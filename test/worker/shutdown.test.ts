import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
let gate = Promise.withResolvers<void>();
let started = 0;
beforeEach(async () => {
  await empty(sql);
  gate = Promise.withResolvers();
  started = 0;
});

const wait = handler(() => {
  started += 1;
  return gate.promise;
});
const tasks = () => sql`select attempt, worker_id, crashes from task order by attempt desc`;
const workers = () => sql`select from worker`;

describe("a worker that is stopped", () => {
  it("claims nothing more and finishes its running tasks", async () => {
    const engine = await runEngine(database, { WAIT: wait }, { concurrency: 2 });
    await engine.enqueue("WAIT", 3);
    await until("all slots are busy", () => started === 2);

    const stopped = engine.stop(20);
    gate.resolve();
    await stopped;
    expect(await tasks()).toEqual([{ attempt: 0, worker_id: null, crashes: 0 }]);
    expect(await workers()).toHaveLength(0);
  });

  it("keeps its heartbeat while it drains", async () => {
    const engine = await runEngine(database, { WAIT: wait }, { heartbeatSeconds: 0.1, leaseSeconds: 0.3 });
    await engine.enqueue("WAIT");
    await until("it is running", () => started === 1);
    const seenAt = async () => Number((await sql`select extract(epoch from seen_at) as at from worker`)[0]?.at);

    const stopped = engine.stop(20);
    const start = await seenAt();
    await until("a lease has passed", async () => (await seenAt()) > start + 0.3);
    gate.resolve();
    await stopped;
    expect(await tasks()).toEqual([]);
  });

  it("releases tasks that do not end in time, and counts their attempts", async () => {
    const engine = await runEngine(database, { WAIT: wait });
    await engine.enqueue("WAIT");
    await until("it is running", () => started === 1);
    await engine.stop(0.1);

    expect(await sql`select attempt, worker_id, run_at <= now() as is_due from task`).toEqual([
      { attempt: 1, worker_id: null, is_due: true },
    ]);
    expect(await sql`select attempt, error from task_error`).toEqual([
      { attempt: 1, error: "The worker was stopped." },
    ]);
    expect(await workers()).toHaveLength(0);
  });

  it("gives back the attempt of tasks that it claimed but did not start", async () => {
    await enqueue(sql, "WAIT", 3);
    const lock = Promise.withResolvers<void>();
    const isLocked = Promise.withResolvers<void>();
    // Lets a worker find lanes, but not claim.
    const locked = sql.begin(async (tx) => {
      await tx`lock table task in exclusive mode`;
      isLocked.resolve();
      await lock.promise;
    });
    await isLocked.promise;
    const engine = await runEngine(database, { WAIT: wait });
    await until("a claim is under way", async () => {
      return (await sql`select from pg_locks where relation = 'task'::regclass and not granted`).length > 0;
    });
    const stopped = engine.stop(20);
    lock.resolve();
    await Promise.all([locked, stopped]);

    expect(started).toBe(0);
    expect(await tasks()).toEqual(Array.from({ length: 3 }, () => ({ attempt: 0, worker_id: null, crashes: 0 })));
    expect(await workers()).toHaveLength(0);
  });
});
