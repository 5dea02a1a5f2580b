import { describe, expect, it } from "vitest";
import { createBreakers } from "../../worker/engine/breaker.ts";
import { outsideDown, permanent } from "../../worker/verdict.ts";
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

describe("while the outside is down", () => {
  it("waiting tasks keep their attempts, other types go on, one task looks whether it is back", async () => {
    const database = await createDatabase();
    const { sql } = database;
    const probe = Promise.withResolvers<void>();
    let starts = 0;
    let isDown = true;
    const mail = handler(
      async () => {
        starts += 1;
        if (isDown) throw outsideDown("connection refused");
        await probe.promise;
      },
      { backoffSeconds: () => 0 },
    );
    const concurrency = 5;
    const engine = await runEngine(database, { MAIL: mail, WORK: handler(() => {}) }, { concurrency });
    await engine.owe("MAIL", 50);
    await until("the breaker is open", () => engine.lines.some(({ msg }) => msg === "the service is down"));
    isDown = false;
    const before = starts;
    expect(before).toBeLessThanOrEqual(concurrency);

    await until("one looks whether it is back", () => starts > before);
    for (const round of [1, 2, 3]) {
      const [work] = await engine.owe("WORK");
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

  it("closes when the outside has refused one task for good", async () => {
    const database = await createDatabase();
    let isDown = true;
    const mail = handler(
      () => Promise.reject(isDown ? outsideDown("connection refused") : permanent("550 nobody lives here")),
      { backoffSeconds: () => 0 },
    );
    const engine = await runEngine(database, { MAIL: mail });
    await engine.owe("MAIL", 3);
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
