import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { createSession } from "../../worker/engine/session.ts";
import { createReclaim, expireLeases, reclaim } from "../../worker/engine/reclaim.ts";
import { claim } from "../../worker/engine/claim.ts";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const leaseSeconds = 0.3;
const tasks = () => sql`select task_id, worker_id, attempt, crashes from task order by task_id`;
const addExpired = () => addWorker(sql, 60);
const isThere = async (workerId: string) => (await sql`select from worker where worker_id = ${workerId}`).length > 0;

/** As a live worker does every heartbeat. */
async function judge() {
  await expireLeases(sql, await addWorker(sql));
  return reclaim(sql);
}

describe("reclaiming", () => {
  it("takes back the tasks of the dead, and of workers that have no row; the living keep theirs", async () => {
    const [dead, living, orphan] = [await addExpired(), await addWorker(sql), randomUUID()];
    for (const worker_id of [dead, living, orphan]) await enqueue(sql, "NOOP", 1, { worker_id, attempt: 2 });

    expect((await judge()).map(({ task_id }) => task_id).toSorted()).toEqual(["1", "3"]);
    expect(await tasks()).toEqual([
      { task_id: "1", worker_id: null, attempt: 2, crashes: 1 },
      { task_id: "2", worker_id: living, attempt: 2, crashes: 0 },
      { task_id: "3", worker_id: null, attempt: 2, crashes: 1 },
    ]);
    expect([await isThere(dead), await isThere(living)]).toEqual([false, true]);
    expect(await sql`select task_id, attempt, error from task_error order by task_id`).toEqual(
      ["1", "3"].map((task_id) => ({ task_id, attempt: 2, error: expect.stringContaining("died") as string })),
    );
  });

  it("counts each once, however many do it at once", async () => {
    await enqueue(sql, "NOOP", 50, { worker_id: await addExpired(), attempt: 1 });
    const reclaimed = await Promise.all(Array.from({ length: 8 }, judge));
    expect(reclaimed.flat()).toHaveLength(50);
    expect(await sql`select distinct crashes, attempt from task`).toEqual([{ crashes: 1, attempt: 1 }]);
  });

  it("leaves a locked task, and its worker's row, to the next time, and takes back the others at once", async () => {
    const [frozen, dead] = [await addExpired(), await addExpired()];
    const [locked] = await enqueue(sql, "NOOP", 1, { worker_id: frozen, attempt: 1 });
    const [free] = await enqueue(sql, "NOOP", 1, { worker_id: dead, attempt: 1 });
    await sql.begin(async (tx) => {
      await tx`select from task where task_id = ${locked!} for update`;
      expect((await judge()).map(({ task_id }) => task_id)).toEqual([free]);
      expect([await isThere(frozen), await isThere(dead)]).toEqual([true, false]);
    });
    expect((await judge()).map(({ task_id }) => task_id)).toEqual([locked]);
    expect(await isThere(frozen)).toBe(false);
  });

  it("declares no worker dead while its own heartbeat is late", async () => {
    const [judgeId, expired] = [await addWorker(sql, 5), await addExpired()];
    expect(await expireLeases(sql, judgeId)).toHaveLength(0);
    await sql`update worker set seen_at = now() where worker_id = ${judgeId}`;
    expect(await expireLeases(sql, judgeId)).toEqual([{ worker_id: expired }]);
  });

  it("waits for a claim that is under way", async () => {
    const slow = await addExpired();
    await enqueue(sql, "NOOP");
    const lanes = await findLanes(sql, ["NOOP"]);
    await sql.begin(async (tx) => {
      expect(await claim(tx as unknown as typeof sql, slow, lanes, [1])).toHaveLength(1);
      expect(await judge()).toHaveLength(0);
      expect(await isThere(slow)).toBe(true);
    });
    expect(await judge()).toHaveLength(1);
  });
});

const open = (heartbeatSeconds: number) => {
  const log = pino({ level: "silent" });
  const session = createSession({ sql, log, heartbeatSeconds, leaseSeconds });
  const reclaimAll = createReclaim({ sql, session, log, onReclaimed: () => {} });
  return {
    session,
    reclaimAll,
    heartbeat: async () => {
      await session.heartbeat();
      await reclaimAll();
    },
  };
};

describe("a session", () => {
  /** Sends heartbeats until the expired worker's row is gone. Returns how many seconds that took. */
  async function awaitReclaim(session: ReturnType<typeof open>, expired: string): Promise<number> {
    const start = performance.now();
    await until("the dead worker is gone", async () => {
      await session.heartbeat();
      return !(await isThere(expired));
    });
    return (performance.now() - start) / 1000;
  }

  it("judges others only when it has lived for a lease itself", async () => {
    expect(await awaitReclaim(open(10), await addExpired())).toBeGreaterThanOrEqual(leaseSeconds);
  });

  it("waits a whole lease more after a heartbeat that failed", async () => {
    const session = open(10);
    await awaitReclaim(session, await addExpired());
    await sql`alter table worker rename to away`;
    await expect(session.heartbeat()).rejects.toThrow("worker");
    await sql`alter table away rename to worker`;
    expect(await awaitReclaim(session, await addExpired())).toBeGreaterThanOrEqual(leaseSeconds);
  });

  it("waits a whole lease more after a silence, as when it was paused", async () => {
    const session = open(0.02);
    await awaitReclaim(session, await addExpired());
    const start = performance.now();
    await until("two heartbeats were missed", () => performance.now() - start > 60);
    expect(await awaitReclaim(session, await addExpired())).toBeGreaterThanOrEqual(leaseSeconds);
  });
});

describe("a worker that wakes up from a pause", () => {
  it("declares no worker dead, though reclaiming runs right behind its first heartbeat", async () => {
    const { session, reclaimAll, heartbeat } = open(0.02);
    await until("it may judge", async () => {
      await heartbeat();
      return session.mayJudge;
    });
    const paused = performance.now();
    await until("two heartbeats were missed", () => performance.now() - paused > 60);
    const expired = await addExpired();
    // Its heartbeat has reached the database, and the answer has not been read.
    await sql`update worker set seen_at = now() where worker_id = ${session.workerId!}`;
    await reclaimAll();
    expect(await isThere(expired)).toBe(true);
  });
});

describe("a worker that was declared dead", () => {
  it("stops what it holds, joins anew, and changes nothing of what is somebody else's by now", async () => {
    const gate = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const wait = handler((attempt) => {
      ({ signal } = attempt);
      return gate.promise;
    });
    const engine = await runEngine(database, { WAIT: wait }, { heartbeatSeconds: 0.2 });
    await engine.enqueue("WAIT");
    await until("it is running", () => signal);

    const other = await addWorker(sql);
    await sql.begin(async (tx) => {
      await tx`delete from worker where worker_id <> ${other}`;
      await tx`update task set worker_id = ${other}, attempt = 2`;
    });
    await until("it is stopped", () => signal?.aborted);
    gate.resolve();
    await until("it has joined anew", () => engine.lines.filter(({ msg }) => msg === "joined").length === 2);
    await until("its end is lost", () => engine.lines.some(({ msg }) => msg.startsWith("lost")));
    expect(engine.lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^declared dead/));
    expect(await tasks()).toEqual([{ task_id: "1", worker_id: other, attempt: 2, crashes: 0 }]);
    expect(await sql`select from task_error`).toHaveLength(0);

    await sql`update task set worker_id = null, run_at = now()`;
    engine.wake();
    await until("it carries on", async () => (await tasks()).length === 0);
  });

  it("claims nothing under its old name", async () => {
    const dead = await addExpired();
    await enqueue(sql, "NOOP");
    const lanes = await findLanes(sql, ["NOOP"]);
    await expireLeases(sql, await addWorker(sql));
    expect(await claim(sql, dead, lanes, [1])).toHaveLength(0);
  });
});
