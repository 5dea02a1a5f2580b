import { beforeEach, describe, expect, it } from "vitest";
import { chaosWorker, enqueueTasks, type ChaosWorker } from "../support/chaos.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
await sql`create table signature (task_id bigint, attempt smallint)`;
beforeEach(async () => {
  await empty(sql);
  await sql`truncate signature`;
});

/** The worker's setting: Postgres ends a transaction that is idle for so long. */
const idleTransactionSeconds = 10;

const start = (leaseSeconds: number) =>
  chaosWorker(url, "smtp://127.0.0.1:1", { CHAOS_LEASE_SECONDS: String(leaseSeconds) });

/** Freezes the worker inside a transaction in which it has deleted its task. */
async function freezeInFinish(worker: ChaosWorker): Promise<void> {
  await enqueueTasks(sql, "SIGN", { seconds: 0, linger: 60 });
  await until("it is inside finish", () => worker.logged("signed").length === 1);
  worker.child.kill("SIGSTOP");
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;

describe("a worker that is frozen inside finish", () => {
  it("delays neither the tasks of a dead worker nor the heartbeats of the others", async () => {
    const leaseSeconds = 2;
    const frozen = start(leaseSeconds);
    await frozen.joined();
    await freezeInFinish(frozen);
    const froze = performance.now();
    const dead = start(leaseSeconds);
    await enqueueTasks(sql, "LAST", { seconds: 4 }, 5);
    await until("another worker runs tasks", () => dead.logged("begun").length === 5);
    const living = start(leaseSeconds);
    await living.joined();
    await dead.end("SIGKILL");
    const died = performance.now();

    let oldest = 0;
    const rerun = (type: "begun" | "signed", count: number, deadlineSeconds: number) =>
      until(
        `the survivor has ${type} ${count}`,
        async () => {
          const [row] = await sql<{ age: number }[]>`
            select extract(epoch from clock_timestamp() - seen_at)::float8 as age
            from worker
            where pid = ${living.pid}
          `;
          oldest = Math.max(oldest, row!.age);
          return living.logged(type).length >= count;
        },
        deadlineSeconds,
      );
    await rerun("begun", 5, 30);
    const afterDeath = secondsSince(died);
    // The lock of the frozen worker is still there.
    const locks = await sql`
      select from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'
    `;
    console.log(
      `tasks of the dead ran again after ${afterDeath.toFixed(1)} s, ${secondsSince(froze).toFixed(1)} s after the freeze`,
    );
    expect(locks).toHaveLength(1);
    await rerun("signed", 1, 30);
    console.log(`the task of the frozen worker ran again after ${secondsSince(froze).toFixed(1)} s`);
    console.log(`the oldest heartbeat of the living was ${oldest.toFixed(2)} s old`);
    expect(oldest).toBeLessThan(leaseSeconds);
    await until("all are done", () => isEmpty(sql));

    frozen.child.kill("SIGCONT");
    await until("it joins again", () => frozen.logged("joined").length === 2);
    expect(await sql`select attempt from signature`).toEqual([{ attempt: 2 }]);
    expect(await Promise.all([frozen.end(), living.end()])).toEqual([0, 0]);
  });

  it("loses its own task to another worker within 30 seconds", async () => {
    const leaseSeconds = 12;
    const frozen = start(leaseSeconds);
    await frozen.joined();
    await freezeInFinish(frozen);
    const froze = performance.now();
    const living = start(leaseSeconds);
    await until("another worker runs it", () => living.logged("signed").length === 1, 30);
    const seconds = secondsSince(froze);
    console.log(`the task of the frozen worker ran again after ${seconds.toFixed(1)} s`);
    expect(seconds).toBeGreaterThan(idleTransactionSeconds);
    await until("it is done", () => isEmpty(sql));
    expect(await sql`select attempt from signature`).toEqual([{ attempt: 2 }]);
    expect(await living.end()).toBe(0);
  });
});
