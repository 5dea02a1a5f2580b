import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { handler, owe, runEngine } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWorker } from "../support/worker.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(() => empty(sql));

const pollMilliseconds = 1000;
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Owes one task after the other and returns after how many milliseconds each was done, by the one clock of this process. */
async function delays(
  count: number,
  oweOne: () => Promise<unknown>,
  isDone: () => Promise<boolean>,
): Promise<number[]> {
  const all: number[] = [];
  for (let nth = 0; nth < count; nth += 1) {
    const start = performance.now();
    await oweOne();
    await until("the task is done", isDone);
    all.push(performance.now() - start);
  }
  return all;
}
const isEmpty = async () => (await sql`select from task`).length === 0;

describe("an idle worker", () => {
  it("finds work within a second without any hint", async () => {
    await runEngine(database, { WORK: handler(() => {}) });
    const waits = await delays(3, () => owe(sql, "WORK"), isEmpty);
    expect(median(waits)).toBeLessThan(pollMilliseconds);
  });

  it("finds work at once after a hint", async () => {
    const engine = await runEngine(database, { WORK: handler(() => {}) });
    // `until` itself asks every 20 ms.
    const waits = await delays(9, () => engine.owe("WORK"), isEmpty);
    expect(median(waits)).toBeLessThan(pollMilliseconds / 10);
  });

  it("finds work at once after a hint, though its last look has waited for a lock", async () => {
    const engine = await runEngine(database, { WORK: handler(() => {}) });
    const looks = () => sql`select from pg_locks where relation = 'task'::regclass and not granted`;
    await sql.begin(async (tx) => {
      await tx`lock table task in access exclusive mode`;
      const locked = performance.now();
      await until("a look waits", async () => (await looks()).length > 0);
      await until("it has waited long", () => performance.now() - locked > 2 * pollMilliseconds);
    });
    const waits = await delays(1, () => engine.owe("WORK"), isEmpty);
    expect(waits[0]).toBeLessThan(pollMilliseconds / 2);
  });

  it("is hinted by a notification that carries nothing", async () => {
    const smtp = await receiveMails();
    await sql`insert into usr (email, password_hash) values ('ada@example.com', 'none')`;
    const worker = runWorker(database.url, smtp.url);
    await until("the worker listens", async () => {
      return (
        (await sql`select from pg_stat_activity where datname = current_database() and query ilike 'listen%'`).length >
        0
      );
    });
    const waits = await delays(
      9,
      async () => {
        await owe(sql, "SEND_EMAIL_WELCOME", 1, { params: sql.json({ usr_id: "1" }) });
        await sql`select pg_notify('task', '')`;
      },
      isEmpty,
    );
    expect(median(waits)).toBeLessThan(pollMilliseconds / 5);
    await worker.end();
  });
});

describe("types that this worker doesn't know", () => {
  it("are listed in the log and left alone, those of the future too", async () => {
    await owe(sql, "UNKNOWN_B", 3);
    await owe(sql, "UNKNOWN_A", 1, { run_at: new Date("2100-01-01") });
    await owe(sql, "WORK", 1, { run_at: new Date("2100-01-01") });
    const before = await sql`select * from task order by task_id`;
    const engine = await runEngine(database, { WORK: handler(() => {}) });
    const line = await until("they are listed", () => engine.lines.find(({ msg }) => msg.startsWith("live TODO")));
    expect(line.task_types).toEqual(["UNKNOWN_A", "UNKNOWN_B"]);

    const [work] = await engine.owe("WORK");
    await until(
      "what is known is done",
      async () => (await sql`select from task where task_id = ${work!}`).length === 0,
    );
    expect(await sql`select * from task order by task_id`).toEqual(before);
  });
});
