import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { createClaims } from "../../worker/engine/claim.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
let worker: string;
beforeEach(async () => {
  await empty(sql);
  worker = await addWorker(sql);
});

type Options = Partial<Parameters<typeof createClaims>[0]>;

/** Claims of a worker that knows types A, B and C, and finishes or keeps what it is given. */
function claimer(options: Options = {}) {
  const running = new Map<string, number>();
  const handlers = { A: handler(() => {}), B: handler(() => {}, { concurrency: 2 }), C: handler(() => {}) };
  const all = { sql, handlers, concurrency: 8, breakerRoom: () => Infinity, ...options };
  const claims = createClaims(all);
  const next = async () => {
    claims.lanes.expectMore({ isNotified: true });
    claims.lanes.expectOld();
    // Searches for lanes pause that long.
    await delay(Math.ceil(claims.lanes.pause) + 1);
    await claims.lanes.find();
    const slots = all.concurrency - [...running.values()].reduce((sum, count) => sum + count, 0);
    const tasks = await claims.next(worker, running, slots);
    return tasks.toSorted((a, b) => Number(a.task_id) - Number(b.task_id));
  };
  return {
    next,
    hold: async () => {
      const tasks = await next();
      for (const { task_type } of tasks) running.set(task_type, (running.get(task_type) ?? 0) + 1);
      return tasks.map(({ task_type }) => task_type).join("");
    },
    letGo: () => running.clear(),
  };
}

describe("a worker's claims", () => {
  it("are for free slots, within a type's own limit, and keep one slot for each other type", async () => {
    await enqueue(sql, "A", 20);
    await enqueue(sql, "B", 20);
    const { hold } = claimer();
    expect(await hold()).toBe("AAAAABB");
    expect(await hold()).toBe("");
    await enqueue(sql, "C", 5);
    expect(await hold()).toBe("C");
    await enqueue(sql, "C", 5, { priority: -9 });
    expect(await hold()).toBe("");
  });

  it("leave out a type whose breaker is open", async () => {
    await enqueue(sql, "A", 20);
    await enqueue(sql, "C", 20);
    const { hold } = claimer({ breakerRoom: (type) => (type === "A" ? 0 : Infinity) });
    expect(await hold()).toBe("CCCCCC");
  });

  it("serve the types in turn with one slot", async () => {
    for (const type of ["A", "B", "C"]) await enqueue(sql, type, 4);
    const { hold, letGo } = claimer({ concurrency: 1 });
    const rounds: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const taken: string[] = [];
      for (let claim = 0; claim < 3; claim += 1, letGo()) taken.push(await hold());
      rounds.push(taken.toSorted().join(""));
    }
    expect(rounds).toEqual(["ABC", "ABC", "ABC", "ABC"]);
  });

  it.each([
    [8, 4],
    [1, 32],
    [3, 12],
  ])("with %i slots give a quarter to what is due for over 5 minutes, oldest first", async (concurrency, rounds) => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await enqueue(sql, "A", 100, { priority: -5 });
    await enqueue(sql, "A", 100, { priority: 3, run_at: ago(4) });
    const older = await enqueue(sql, "A", 100, { priority: 9, run_at: ago(20) });
    await enqueue(sql, "A", 100, { priority: 5, run_at: ago(10) });

    const { next, letGo } = claimer({ concurrency, handlers: { A: handler(() => {}) } });
    const taken: { task_id: string; priority: number }[] = [];
    for (let round = 0; round < rounds; round += 1, letGo()) taken.push(...(await next()));
    expect(taken).toHaveLength(concurrency * rounds);
    const aged = taken.filter(({ priority }) => priority === 9).map(({ task_id }) => task_id);
    expect(aged).toEqual(older.slice(0, taken.length / 4));
    expect(taken.filter(({ priority }) => priority === -5)).toHaveLength((taken.length * 3) / 4);
  });

  it("begin behind a lane's last task until a full search finds older ones", async () => {
    const claims = createClaims({
      sql,
      handlers: { A: handler(() => {}) },
      concurrency: 8,
      breakerRoom: () => Infinity,
    });
    const next = async () => (await claims.next(worker, new Map(), 8)).map(({ task_id }) => task_id);
    const [first] = await enqueue(sql, "A");
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    expect(await next()).toEqual([first]);
    claims.lanes.expectMore({ isNotified: true });

    const older = await enqueue(sql, "A", 2, { run_at: new Date(Date.now() - 60_000) });
    const [newer] = await enqueue(sql, "A");
    expect(await next()).toEqual([newer]);
    claims.lanes.expectMore({ isNotified: true });
    claims.lanes.expectOld();
    await delay(Math.ceil(claims.lanes.pause) + 1);
    await claims.lanes.find();
    expect(await next()).toEqual(older);
  });

  it("ask an empty lane again after a notification, before any search for lanes", async () => {
    const claims = createClaims({
      sql,
      handlers: { A: handler(() => {}) },
      concurrency: 8,
      breakerRoom: () => Infinity,
    });
    const next = async () => (await claims.next(worker, new Map(), 8)).map(({ task_id }) => task_id);
    const [first] = await enqueue(sql, "A");
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    expect(await next()).toEqual([first]);
    expect(claims.lanes.open).toHaveLength(0);

    const [second] = await enqueue(sql, "A");
    expect(await next()).toEqual([]);
    claims.lanes.expectMore({ isNotified: true });
    expect(await next()).toEqual([second]);
  });

  it("are for the next lane when the one of better priority turns out to be empty", async () => {
    const claims = createClaims({
      sql,
      handlers: { A: handler(() => {}) },
      concurrency: 1,
      breakerRoom: () => Infinity,
    });
    const next = async () => (await claims.next(worker, new Map(), 1)).map(({ task_id }) => task_id);
    const [urgent] = await enqueue(sql, "A", 1, { priority: -1 });
    const others = await enqueue(sql, "A", 2);
    claims.lanes.expectMore({ isNotified: true });
    await claims.lanes.find();
    // It has given all that was asked, so there might be more.
    expect([await next(), await next(), await next()]).toEqual([[urgent], [others[0]], [others[1]]]);
  });

  it("take a poison task like any other", async () => {
    await enqueue(sql, "A", 1, { crashes: 2 });
    expect(await claimer().hold()).toBe("A");
  });

  it("skip a row that another transaction has locked, and take it after a full search", async () => {
    const ids = await enqueue(sql, "A", 3);
    const { next } = claimer();
    await sql.begin(async (tx) => {
      await tx`select from task where task_id = ${ids[0]!} for update`;
      expect(await next()).toMatchObject([{ task_id: ids[1] }, { task_id: ids[2] }]);
    });
    expect(await next()).toMatchObject([{ task_id: ids[0] }]);
  });
});
