import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { chaosWorker, hold } from "../support/chaos.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, isPooled } from "../support/database.ts";
import { handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

describe("heartbeats", () => {
  it("go on while every connection of the engine waits for a lock", async () => {
    const { sql, url } = await createDatabase();
    const few = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 2 }, "test engine");
    cleanUp(() => few.end({ timeout: 1 }));
    const work = { WORK: handler(() => {}) };
    const engine = await runEngine({ sql: few, url }, work, { heartbeatSeconds: 0.1, leaseSeconds: 0.3 });
    await enqueue(sql, "WORK");
    const unlock = await hold(sql, (tx) => tx`lock table task in access exclusive mode`);
    const blocked = () => sql`select from pg_locks where relation = 'task'::regclass and not granted`;
    // Its claims wait on one connection, and reclaiming (once per session) waits on the other.
    await until("both connections wait", async () => {
      engine.wake();
      return (await blocked()).length === 2;
    });

    const seenAt = async () => Number((await sql`select extract(epoch from seen_at) as at from worker`)[0]?.at);
    const start = await seenAt();
    await until("three leases have passed", async () => (await seenAt()) > start + 3 * 0.3);
    expect(await blocked()).toHaveLength(2);
    await unlock();
  });

  it.skipIf(isPooled)("have a connection of their own in the worker's entry", async () => {
    const { sql, url } = await createDatabase();
    const worker = chaosWorker(url, "smtp://127.0.0.1:1", {}, "worker/main.ts");
    await worker.joined();
    // Each connection shows the last statement that it has executed.
    const [first] = await sql<{ application_name: string; pid: number }[]>`
      select application_name, pid
      from pg_stat_activity
      where datname = current_database() and query ~ '^\\s*insert into worker'
    `;
    expect(first?.application_name).toBe(`${projectName} worker heartbeat`);
    const others = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = ${projectName + " worker heartbeat"}
    `;
    expect(others).toHaveLength(1);
    expect(await worker.end()).toBe(0);
  });
});
