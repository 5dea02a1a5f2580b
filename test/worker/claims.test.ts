import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { createClaims } from "../../worker/engine/scheduler.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, handler, owe } from "../support/engine.ts";

const { sql } = await createDatabase();
let worker: string;
beforeEach(async () => {
  await empty(sql);
  worker = await addWorker(sql);
});

type Options = Partial<Parameters<typeof createClaims>[0]>;

/** Claims of a worker that knows types A, B and C, and finishes or holds what it is given. */
function claimer(options: Options = {}) {
  const held = new Map<string, number>();
  const handlers = { A: handler(() => {}), B: handler(() => {}, { concurrency: 2 }), C: handler(() => {}) };
  const claims = createClaims({ sql, handlers, concurrency: 8, breakerRoom: () => Infinity, ...options });
  const next = async () => {
    // With no hand free it only hears that there is more; so each claim here is from a new look.
    await claims.next(worker, new Map([["A", Infinity]]), true);
    await delay(Math.ceil(claims.pause) + 1);
    const tasks = await claims.next(worker, held, false);
    return tasks.toSorted((a, b) => Number(a.task_id) - Number(b.task_id));
  };
  return {
    next,
    hold: async () => {
      const tasks = await next();
      for (const { task_type } of tasks) held.set(task_type, (held.get(task_type) ?? 0) + 1);
      return tasks.map(({ task_type }) => task_type).join("");
    },
    letGo: () => held.clear(),
  };
}

describe("a worker's claims", () => {
  it("are for hands that are free, a type within its own limit, with one hand for each other type", async () => {
    await owe(sql, "A", 20);
    await owe(sql, "B", 20);
    const { hold } = claimer();
    expect(await hold()).toBe("AAAAABB");
    expect(await hold()).toBe("");
    await owe(sql, "C", 5);
    expect(await hold()).toBe("C");
    await owe(sql, "C", 5, { priority: -9 });
    expect(await hold()).toBe("");
  });

  it("leave out a type whose breaker is open", async () => {
    await owe(sql, "A", 20);
    await owe(sql, "C", 20);
    const { hold } = claimer({ breakerRoom: (type) => (type === "A" ? 0 : Infinity) });
    expect(await hold()).toBe("CCCCCC");
  });

  it("go round the types with one hand", async () => {
    for (const type of ["A", "B", "C"]) await owe(sql, type, 4);
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
  ])("with %i hands give a quarter to what is due for over 5 minutes, oldest first", async (concurrency, rounds) => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await owe(sql, "A", 100, { priority: -5 });
    await owe(sql, "A", 100, { priority: 3, run_at: ago(4) });
    const older = await owe(sql, "A", 100, { priority: 9, run_at: ago(20) });
    await owe(sql, "A", 100, { priority: 5, run_at: ago(10) });

    const { next, letGo } = claimer({ concurrency, handlers: { A: handler(() => {}) } });
    const taken: { task_id: string; priority: number }[] = [];
    for (let round = 0; round < rounds; round += 1, letGo()) taken.push(...(await next()));
    expect(taken).toHaveLength(concurrency * rounds);
    const aged = taken.filter(({ priority }) => priority === 9).map(({ task_id }) => task_id);
    expect(aged).toEqual(older.slice(0, taken.length / 4));
    expect(taken.filter(({ priority }) => priority === -5)).toHaveLength((taken.length * 3) / 4);
  });

  it("are for nothing else once a suspect has waited too long for an idle worker", async () => {
    await owe(sql, "A", 8);
    const { hold, letGo } = claimer({ concurrency: 4, handlers: { A: handler(() => {}) } });
    expect(await hold()).toBe("AAAA");
    await owe(sql, "A", 1, { unsettled: 2 });
    await owe(sql, "A", 1, { unsettled: 2, run_at: new Date(Date.now() - 11_000) });
    letGo();
    expect(await hold()).toBe("A");
    expect(await sql`select unsettled from task where unsettled > 0 and worker_id is not null`).toHaveLength(1);
    expect(await hold()).toBe("AAA");
    await sql`update task set run_at = now() - interval '11 seconds' where unsettled > 0`;
    expect(await hold()).toBe("");
  });

  it("are for the next suspect when the breaker of the oldest one's type is open", async () => {
    await owe(sql, "A", 1, { unsettled: 2, run_at: new Date(Date.now() - 60_000) });
    await owe(sql, "C", 1, { unsettled: 2 });
    const { hold } = claimer({ breakerRoom: (type) => (type === "A" ? 0 : Infinity) });
    expect(await hold()).toBe("C");
  });

  it("go on from where a lane gave last while it is too early for a new look", async () => {
    const handlers = { A: handler(() => {}) };
    const claims = createClaims({ sql, handlers, concurrency: 8, breakerRoom: () => Infinity });
    const hinted = async () => (await claims.next(worker, new Map(), true)).map(({ task_id }) => task_id);
    const [first] = await owe(sql, "A");
    expect(await hinted()).toEqual([first]);

    // What is due since before a look is found by the next look alone.
    const older = await owe(sql, "A", 2, { run_at: new Date(Date.now() - 60_000) });
    const [newer] = await owe(sql, "A");
    expect(claims.pause).toBe(Infinity);
    const found = [await hinted(), claims.pause] as const;
    // On a machine that was busy elsewhere, it was time for a look already.
    expect(found[0]).toEqual(found[1] < Infinity ? [newer] : [...older, newer]);
  });

  it("are for the next lane when the one of better priority turns out to be empty", async () => {
    const handlers = { A: handler(() => {}) };
    const claims = createClaims({ sql, handlers, concurrency: 1, breakerRoom: () => Infinity });
    const next = async () => (await claims.next(worker, new Map(), false)).map(({ task_id }) => task_id);
    const [urgent] = await owe(sql, "A", 1, { priority: -1 });
    const others = await owe(sql, "A", 2);
    expect(await claims.next(worker, new Map(), true)).toMatchObject([{ task_id: urgent }]);
    // It has given all that was asked, so there might be more.
    expect([...(await next()), ...(await next())]).toEqual(others);
  });

  it("pass over a suspect that somebody has locked", async () => {
    await owe(sql, "A", 1, { unsettled: 2 });
    const [free] = await owe(sql, "C");
    const { next } = claimer();
    await sql.begin(async (tx) => {
      await tx`select from task where unsettled >= 2 for update`;
      expect(await next()).toMatchObject([{ task_id: free }]);
    });
  });
});
