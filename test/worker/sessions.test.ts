import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { createSession } from "../../worker/engine/session.ts";
import { freeTheDead } from "../../worker/engine/session-statements.ts";
import { claim } from "../../worker/engine/claim.ts";
import { survey } from "../../worker/engine/find-lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, owe, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const leaseSeconds = 0.3;
const tasks = () => sql`select task_id, worker_id, attempt, unsettled from task order by task_id`;
const addCorpse = () => addWorker(sql, 60);
const isThere = async (workerId: string) => (await sql`select from worker where worker_id = ${workerId}`).length > 0;

describe("freeing the dead", () => {
  it("frees what they held, and what is held by nobody; the living keep theirs", async () => {
    const [dead, living, orphan] = [await addCorpse(), await addWorker(sql), randomUUID()];
    for (const worker_id of [dead, living, orphan]) await owe(sql, "NOOP", 1, { worker_id, attempt: 2 });

    expect((await freeTheDead(sql, leaseSeconds)).map(({ task_id }) => task_id).toSorted()).toEqual(["1", "3"]);
    expect(await tasks()).toEqual([
      { task_id: "1", worker_id: null, attempt: 2, unsettled: 1 },
      { task_id: "2", worker_id: living, attempt: 2, unsettled: 0 },
      { task_id: "3", worker_id: null, attempt: 2, unsettled: 1 },
    ]);
    expect(await sql`select worker_id from worker`).toEqual([{ worker_id: living }]);
    expect(await sql`select task_id, attempt, error from task_error order by task_id`).toEqual(
      ["1", "3"].map((task_id) => ({ task_id, attempt: 2, error: expect.stringContaining("died") as string })),
    );
  });

  it("counts each once, however many do it at once", async () => {
    await owe(sql, "NOOP", 50, { worker_id: await addCorpse(), attempt: 1 });
    const freed = await Promise.all(Array.from({ length: 8 }, () => freeTheDead(sql, leaseSeconds)));
    expect(freed.flat()).toHaveLength(50);
    expect(await sql`select distinct unsettled, attempt from task`).toEqual([{ unsettled: 1, attempt: 1 }]);
  });
});

describe("a session", () => {
  const open = (heartbeatSeconds: number) =>
    createSession({
      sql,
      log: pino({ level: "silent" }),
      heartbeatSeconds,
      leaseSeconds,
      onLost: () => {},
      onJoined: () => {},
    });

  /** Beats until the corpse is buried, and returns after how many seconds that was. */
  async function judge(session: ReturnType<typeof open>, corpse: string): Promise<number> {
    const start = performance.now();
    await until("the dead worker is buried", async () => {
      await session.beat();
      return !(await isThere(corpse));
    });
    return (performance.now() - start) / 1000;
  }

  it("judges others only when it has lived for a lease itself", async () => {
    expect(await judge(open(10), await addCorpse())).toBeGreaterThanOrEqual(leaseSeconds);
  });

  it("waits a whole lease more after a heartbeat that failed", async () => {
    const session = open(10);
    await judge(session, await addCorpse());
    await sql`alter table worker rename to away`;
    await expect(session.beat()).rejects.toThrow("worker");
    await sql`alter table away rename to worker`;
    expect(await judge(session, await addCorpse())).toBeGreaterThanOrEqual(leaseSeconds);
  });

  it("waits a whole lease more after a silence, as when it was paused", async () => {
    const session = open(0.02);
    await judge(session, await addCorpse());
    const start = performance.now();
    await until("two heartbeats were missed", () => performance.now() - start > 60);
    expect(await judge(session, await addCorpse())).toBeGreaterThanOrEqual(leaseSeconds);
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
    await engine.owe("WAIT");
    await until("it is in hand", () => signal);

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
    expect(await tasks()).toEqual([{ task_id: "1", worker_id: other, attempt: 2, unsettled: 0 }]);
    expect(await sql`select from task_error`).toHaveLength(0);

    await sql`update task set worker_id = null, run_at = now()`;
    engine.wake();
    await until("it carries on", async () => (await tasks()).length === 0);
  });

  it("claims nothing under its old name", async () => {
    const dead = await addCorpse();
    await owe(sql, "NOOP");
    const lanes = await survey(sql, ["NOOP"]);
    await freeTheDead(sql, leaseSeconds);
    expect(await claim(sql, dead, lanes, [1])).toHaveLength(0);
  });
});
