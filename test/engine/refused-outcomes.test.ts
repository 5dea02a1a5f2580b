import { beforeEach, describe, expect, it } from "vitest";
import type { Sql } from "../../app/db/connect.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const recordsOutcome = /^\s*(delete from task\s+using|with fence as)/;

/** Statements that record outcomes fail so many times with the code, and reach the database after that. */
function failing(code: string, times: number) {
  let failures = 0;
  const failingSql = new Proxy(sql, {
    apply(target, self, words: Parameters<Sql>): unknown {
      const [text] = words as unknown as [TemplateStringsArray];
      if (failures >= times || !Array.isArray(text) || !recordsOutcome.test(String(text[0])))
        return Reflect.apply(target, self, words);
      failures += 1;
      return Promise.reject(Object.assign(new Error(`fails with ${code}`), { code }));
    },
  });
  return { sql: failingSql, url: database.url, failures: () => failures };
}

const history = () => sql`select attempt, error from task_error`;

describe("an outcome that Postgres refuses as it is", () => {
  it("is recorded as a failure that says so: the task is dead, and its unique key is free", async () => {
    let starts = 0;
    const work = handler(({ emit }) => {
      starts += 1;
      emit({ event_type: "DONE", data: { name: "a\u0000b" } });
    });
    const engine = await runEngine(database, { WORK: work });
    await engine.enqueue("WORK", 1, { unique_key: "one" });
    await until("it is over", () => isEmpty(sql), 5);
    await engine.enqueue("WORK", 1, { unique_key: "one" });
    await until("the second is over, too", () => isEmpty(sql), 5);

    const error = expect.stringMatching(/done.*could not be recorded.*unsupported Unicode/) as string;
    expect(await history()).toEqual([
      { attempt: 1, error },
      { attempt: 1, error },
    ]);
    expect(await sql`select attempt, unique_key, reason from task_dead order by task_id`).toEqual(
      ["one", "one"].map((unique_key) => ({ attempt: 1, unique_key, reason: error })),
    );
    expect(starts).toBe(2);
    expect(await sql`select event_type from event`).toEqual([{ event_type: "TASK_DEAD" }, { event_type: "TASK_DEAD" }]);
  });

  it("does not keep the outcomes of its batch from being recorded", async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const work = handler(async ({ task, emit }) => {
      running += 1;
      await gate.promise;
      emit({ event_type: "DONE", data: { name: task.priority === 1 ? "\u0000" : "fine" } });
    });
    const engine = await runEngine(database, { WORK: work }, { concurrency: 20 });
    await engine.enqueue("WORK", 9);
    await engine.enqueue("WORK", 1, { priority: 1 });
    await until("all are running", () => running === 10);
    gate.resolve();
    await until("all are over", () => isEmpty(sql), 5);
    expect(await sql`select priority from task_dead`).toEqual([{ priority: 1 }]);
    expect(await sql`select event_type, count(*)::int from event group by 1 order by 1`).toEqual([
      { event_type: "DONE", count: 9 },
      { event_type: "TASK_DEAD", count: 1 },
    ]);
  });

  it("of a task that writes in its last transaction fails as any error does", async () => {
    const work = handler(
      async ({ emit, finish }) => {
        emit({ event_type: "DONE", data: { name: "\u0000" } });
        await finish(async () => {});
      },
      { maxAttempts: 1 },
    );
    const engine = await runEngine(database, { WORK: work });
    await engine.enqueue("WORK");
    await until("it is over", () => isEmpty(sql), 5);
    const reason = expect.stringContaining("unsupported Unicode") as string;
    expect(await sql`select reason from task_dead`).toEqual([{ reason }]);
  });
});

describe("an outcome that can't be written for now", () => {
  it.each(["58030", "EMFILE", "EADDRNOTAVAIL", "53300", "CONNECT_TIMEOUT"])(
    "is written again until it works: %s",
    async (code) => {
      const times = 2;
      const faulty = failing(code, times);
      let starts = 0;
      const work = handler(() => void (starts += 1));
      const fail = handler(() => Promise.reject(new Error("no luck")), { maxAttempts: 1 });
      const engine = await runEngine(faulty, { WORK: work, FAIL: fail });
      await enqueue(sql, "WORK");
      await enqueue(sql, "FAIL");
      engine.wake();
      await until("both are recorded", () => isEmpty(sql));
      expect([faulty.failures(), starts]).toEqual([times, 1]);
      expect(await sql`select reason from task_dead`).toEqual([{ reason: "no luck" }]);
      expect(await history()).toEqual([{ attempt: 1, error: "no luck" }]);
    },
  );
});
