import { describe, expect, it } from "vitest";
import { createBreakers } from "../../worker/engine/breaker.ts";
import { Permanent, ServiceDown } from "../../worker/engine/errors.ts";
import { createDatabase } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const longestPauseSeconds = 30;

describe("a breaker", () => {
  it("pauses ever longer, 30 s at most, and then lets one through at a time", () => {
    let now = 0;
    const breakers = createBreakers(() => now);
    expect(breakers.room("MAIL", 100)).toBe(Infinity);

    const pauses = Array.from({ length: 8 }, () => {
      const pause = breakers.open("MAIL")!;
      now += pause * 1000 - 1;
      expect(breakers.room("MAIL", 0)).toBe(0);
      now += 2;
      expect([breakers.room("MAIL", 0), breakers.room("MAIL", 1)]).toEqual([1, 0]);
      return pause;
    });
    expect(pauses[0]).toBeLessThanOrEqual(2);
    // Equal jitter: at least half of what doubles each time.
    pauses.forEach((pause, failures) => {
      const whole = Math.min(2 ** (failures + 1), longestPauseSeconds);
      expect(pause).toBeGreaterThanOrEqual(whole / 2);
      expect(pause).toBeLessThanOrEqual(whole);
    });
  });

  it("lets 1, 2, 4 through once the service answers, however it answers", () => {
    let now = 0;
    const breakers = createBreakers(() => now);
    const room = () => breakers.room("MAIL", 0);
    const pause = breakers.open("MAIL")!;
    // An answer to a task that was running before says nothing of now.
    expect([breakers.widen("MAIL"), room()]).toEqual([false, 0]);

    now += pause * 1000;
    const rooms = [room()];
    for (let answer = 0; answer < 3; answer += 1) rooms.push(breakers.widen("MAIL") ? room() : NaN);
    expect(rooms).toEqual([1, 2, 4, 8]);
    expect(breakers.room("MAIL", 8)).toBe(0);

    now += breakers.open("MAIL")! * 1000;
    expect(room()).toBe(1);
  });

  it("has nothing to widen while it is closed", () => {
    expect(createBreakers().widen("MAIL")).toBe(false);
  });

  it("takes those that fail together for one failure", () => {
    const breakers = createBreakers(() => 0);
    expect(breakers.open("MAIL")).toBeGreaterThan(0);
    expect(breakers.open("MAIL")).toBeUndefined();
  });

  it("is of one type alone, and closes for good", () => {
    const breakers = createBreakers(() => 0);
    breakers.open("MAIL");
    expect(breakers.room("OTHER", 5)).toBe(Infinity);
    expect(breakers.close("OTHER")).toBe(false);
    expect(breakers.close("MAIL")).toBe(true);
    expect(breakers.room("MAIL", 5)).toBe(Infinity);
    expect(breakers.open("MAIL")).toBeLessThanOrEqual(2);
  });
});

describe("while a service is down", () => {
  it("waiting tasks keep their attempts, other types run, and one task probes the service", async () => {
    const database = await createDatabase();
    const { sql } = database;
    const probe = Promise.withResolvers<void>();
    let starts = 0;
    let isDown = true;
    const mail = handler(
      async () => {
        starts += 1;
        if (isDown) throw new ServiceDown("connection refused");
        await probe.promise;
      },
      { backoffSeconds: () => 0 },
    );
    const concurrency = 5;
    const engine = await runEngine(database, { MAIL: mail, WORK: handler(() => {}) }, { concurrency });
    await engine.enqueue("MAIL", 50);
    await until("the breaker is open", () => engine.lines.some(({ msg }) => msg === "the service is down"));
    isDown = false;
    const before = starts;
    expect(before).toBeLessThanOrEqual(concurrency);

    await until("one task probes the service", () => starts > before);
    for (const round of [1, 2, 3]) {
      const [work] = await engine.enqueue("WORK");
      await until(`another type is done, ${round}`, async () => {
        return (await sql`select from task where task_id = ${work!}`).length === 0;
      });
    }
    expect(starts).toBe(before + 1);

    probe.resolve();
    await until("all are done", () => isEmpty(sql));
    expect(engine.lines.some(({ msg }) => msg === "the service is back")).toBe(true);
    expect(await sql`select from task_error`).toHaveLength(before);
    expect(await sql`select from task_dead`).toHaveLength(0);
  });

  it("a task that failed keeps its place and its attempt, and its history says why it waits", async () => {
    const database = await createDatabase();
    const { sql } = database;
    const down = handler(() => Promise.reject(new ServiceDown("connection refused")), { backoffSeconds: () => 86_400 });
    const engine = await runEngine(database, { MAIL: down });
    const run_at = "2026-01-01 00:00:00+00";
    await engine.enqueue("MAIL", 1, { run_at, attempt: 3 });
    await until("the breaker is open", () => engine.lines.some(({ msg }) => msg === "the service is down"));
    const [task] = await until("it waits again", async () => {
      const rows = await sql`
        select task.attempt, crashes, run_at - ${run_at} between '0' and '10 microseconds' as keeps_place, error
        from task
        join task_error using (task_id)
        where worker_id is null
      `;
      return rows.length > 0 ? rows : undefined;
    });
    expect(task).toEqual({ attempt: 3, crashes: 0, keeps_place: true, error: "connection refused" });
  });

  it("answers that are plain retries open all slots again, long before the first success", async () => {
    const database = await createDatabase();
    const { sql } = database;
    const gate = Promise.withResolvers<void>();
    let isDown = true;
    let answers = 0;
    let running = 0;
    const mail = handler(
      async () => {
        if (isDown) throw new ServiceDown("connection refused");
        running += 1;
        answers += 1;
        // The first few are turned away at once; those after them show how many may run together.
        if (answers > 7) await gate.promise;
        running -= 1;
        throw new Error("450 try again later");
      },
      { backoffSeconds: () => 3600 },
    );
    const concurrency = 20;
    const engine = await runEngine(database, { MAIL: mail }, { concurrency });
    await engine.enqueue("MAIL", 60);
    await until("the breaker is open", () => engine.lines.some(({ msg }) => msg === "the service is down"));
    isDown = false;
    await until("all slots are in use", () => running === concurrency);
    expect(engine.lines.filter(({ msg }) => msg === "the service is back")).toEqual([]);
    gate.resolve();
    await until("all have been tried", async () => {
      return (await sql`select from task where run_at <= now() or worker_id is not null`).length === 0;
    });
    expect(await sql`select distinct attempt from task`).toEqual([{ attempt: 1 }]);
  });

  it("closes when the service has refused one task permanently", async () => {
    const database = await createDatabase();
    let isDown = true;
    const mail = handler(
      () => Promise.reject(isDown ? new ServiceDown("connection refused") : new Permanent("550 nobody lives here")),
      { backoffSeconds: () => 0 },
    );
    const engine = await runEngine(database, { MAIL: mail });
    await engine.enqueue("MAIL", 3);
    await until("the breaker is open", () => engine.lines.some(({ msg }) => msg === "the service is down"));
    isDown = false;
    await until("it is closed", () => engine.lines.some(({ msg }) => msg === "the service is back"));
    const [dead] = await until("it is dead", async () => {
      const rows = await database.sql`select reason from task_dead`;
      return rows.length > 0 ? rows : undefined;
    });
    expect(dead).toEqual({ reason: "550 nobody lives here" });
  });
});
