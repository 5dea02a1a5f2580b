import { beforeEach, describe, expect, it } from "vitest";
import { connect, type Sql } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { hold } from "../support/chaos.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
beforeEach(() => empty(sql));

const concurrency = 20;
const pool = 4;

/** A pool as an engine has it, with a name of its own, unlike the connections of the test. */
function connectEngine(): Sql {
  const engineSql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: pool }, "test engine", 20);
  cleanUp(() => engineSql.end({ timeout: 1 }));
  return engineSql;
}
const backends = () => sql`
  select from pg_stat_activity
  where datname = current_database() and application_name = ${projectName + " test engine"}
`;
const held = async () => (await sql`select from task where worker_id is not null`).length;
const isLocked = (taskId: string) => hold(sql, (tx) => tx`select from task where task_id = ${taskId} for update`);

describe("outcomes that can't be recorded yet", () => {
  it("of one locked row delay that task alone: thousands of others run, and few are held", async () => {
    const count = 5000;
    let lock: Promise<() => Promise<void>> | undefined;
    let done = 0;
    const work = handler(async ({ task }) => {
      lock ??= isLocked(task.task_id);
      await lock;
      done += 1;
    });
    const engine = await runEngine({ sql: connectEngine(), url }, { WORK: work }, { concurrency });
    await enqueue(sql, "WORK", count);
    engine.wake();
    let most = 0;
    let mostBackends = 0;
    await until(
      "all but one are recorded",
      async () => {
        most = Math.max(most, await held());
        mostBackends = Math.max(mostBackends, (await backends()).length);
        return done === count && (await sql`select from task limit 2`).length === 1;
      },
      60,
    );
    expect(await held()).toBe(1);
    expect(most).toBeLessThanOrEqual(2 * concurrency);
    expect(mostBackends).toBeLessThanOrEqual(pool);

    await (
      await lock!
    )();
    await until("the last is recorded", () => isEmpty(sql), 3);
    expect(done).toBe(count);
    expect(await sql`select from task_error`).toHaveLength(0);
  }, 90_000);

  it("bound the running and started tasks while nothing can be recorded", async () => {
    const count = 200;
    let started = 0;
    let lock: Promise<() => Promise<void>> | undefined;
    const fail = handler(
      async () => {
        started += 1;
        // Claims go on; failures can't be recorded.
        lock ??= hold(sql, (tx) => tx`lock table task_error in access exclusive mode`);
        await lock;
        throw new Error("no luck");
      },
      { backoffSeconds: () => 3600 },
    );
    const engine = await runEngine({ sql: connectEngine(), url }, { FAIL: fail }, { concurrency });
    await engine.enqueue("FAIL", count);
    await until("the worker holds all that it may", async () => (await held()) === 2 * concurrency);
    const start = performance.now();
    await until("it has polled for more", () => performance.now() - start > 2500);
    expect([await held(), started]).toEqual([2 * concurrency, 2 * concurrency]);
    expect((await backends()).length).toBeLessThanOrEqual(pool);

    await (
      await lock!
    )();
    await until("all are recorded", async () => (await sql`select from task_error`).length === count);
    expect(await sql`select distinct attempt from task`).toEqual([{ attempt: 1 }]);
  });
});
