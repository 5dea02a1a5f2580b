import postgres from "postgres";
import { expect, inject, it } from "vitest";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const notificationsPerSecond = 100;

it("100 notifications a second without a task cost an idle worker few statements, and a task starts promptly after", async () => {
  const { sql, url } = await createDatabase();
  // From another database, so that asking is not counted.
  const admin = postgres(`${inject("serverUrl")}postgres`, { max: 1, onnotice: () => {} });
  cleanUp(() => admin.end());
  await admin`create extension if not exists pg_stat_statements`;
  const name = new URL(url).pathname.slice(1);
  const statements = async () => {
    const [row] = await admin<{ calls: number }[]>`
      select coalesce(sum(calls), 0)::int as calls
      from pg_stat_statements
      where dbid = (select oid from pg_database where datname = ${name})
    `;
    return row!.calls;
  };
  let started = 0;
  const engine = await runEngine({ sql, url }, { WORK: handler(() => void (started += 1)) });
  // So that it has a lane to ask.
  await engine.enqueue("WORK");
  await until("it is idle", async () => started === 1 && (await sql`select from task`).length === 0);

  /** Sends so many seconds of notifications. Returns how many statements a second the database counted. */
  async function flood(seconds: number): Promise<number> {
    const before = await statements();
    const start = performance.now();
    const elapsed = () => (performance.now() - start) / 1000;
    let sent = 0;
    await until("the notifications are sent", () => {
      for (; sent < elapsed() * notificationsPerSecond; sent += 1) engine.wake();
      return elapsed() >= seconds;
    });
    return ((await statements()) - before) / elapsed();
  }
  // The first ones cost a statement each.
  expect(await flood(1)).toBeLessThan(notificationsPerSecond / 2);
  // An idle worker asks about 2 anyway.
  expect(await flood(2)).toBeLessThan(10);

  // The last quiet time of the flood ends within half a second.
  const flooded = performance.now();
  await enqueue(sql, "WORK");
  engine.wake();
  await until("a task starts", () => started === 2);
  expect(performance.now() - flooded).toBeLessThan(800);
  await until("a quiet time has passed", () => performance.now() - flooded > 1100);
  const quiet = performance.now();
  await engine.enqueue("WORK");
  await until("the next task starts", () => started === 3);
  expect(performance.now() - quiet).toBeLessThan(200);
});
