import { beforeEach, describe, expect, it } from "vitest";
import { Permanent, ServiceDown, Snooze } from "../../worker/engine/errors.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
beforeEach(async () => {
  await empty(sql);
  await sql`truncate attempt_statistics`;
});

const soon = { heartbeatSeconds: 0.1, leaseSeconds: 5 };
const readStatistics = (which: ReturnType<typeof sql>) => sql`
  select task_type, is_failure, sum(attempts)::int as attempts
  from attempt_statistics
  where ${which}
  group by task_type, is_failure
  order by task_type, is_failure
`;

describe("a worker tells", () => {
  it("what it has handlers for, and how long a turn of its event loop took", async () => {
    const block = handler(() => {
      const end = performance.now() + 300;
      while (performance.now() < end);
    });
    const engine = await runEngine(database, { BLOCK: block, OTHER: handler(() => {}) }, soon);
    expect(await sql`select task_types from worker`).toEqual([{ task_types: ["BLOCK", "OTHER"] }]);

    const turn = async () =>
      (await sql<{ turn: number }[]>`select event_loop_delay_milliseconds as turn from worker`)[0]!.turn;
    await until("a long event-loop delay is reported", async () => {
      // Again: in the 20 ms after a heartbeat Node does not look.
      if (await isEmpty(sql)) await engine.enqueue("BLOCK");
      return (await turn()) > 200;
    });
    await until("it is over", async () => (await turn()) < 200);
  });

  it("how its attempts went, by the minute and since ever, in buckets of duration", async () => {
    const engine = await runEngine(
      database,
      {
        DONE: handler(() => {}),
        FINISHED: handler(({ finish }) => finish(async () => {})),
        FAILED: handler(() => Promise.reject(new Permanent("no luck"))),
        PUT_OFF: handler(() => Promise.reject(new Snooze(60, "not now"))),
      },
      soon,
    );
    await Promise.all(["DONE", "FINISHED", "FAILED", "PUT_OFF"].map((type) => engine.enqueue(type, 3)));
    const all = [
      { task_type: "DONE", is_failure: false, attempts: 3 },
      { task_type: "FAILED", is_failure: true, attempts: 3 },
      { task_type: "FINISHED", is_failure: false, attempts: 3 },
    ];
    await expect
      .poll(async () => [...(await readStatistics(sql`minute > now() - interval '2 minutes'`))], { timeout: 10_000 })
      .toEqual(all);
    expect(await readStatistics(sql`minute = '-infinity'`)).toEqual(all);
    expect(await sql`select from attempt_statistics where seconds < 0 or seconds > up_to_seconds * attempts`).toEqual(
      [],
    );
  });

  it("the rest of them when it stops", async () => {
    const engine = await runEngine(
      database,
      { DONE: handler(() => {}) },
      { heartbeatSeconds: 3600, leaseSeconds: 9000 },
    );
    await engine.enqueue("DONE", 5);
    await until("all are done", () => isEmpty(sql));
    await engine.stop(1);
    expect(await readStatistics(sql`minute = '-infinity'`)).toEqual([
      { task_type: "DONE", is_failure: false, attempts: 5 },
    ]);
  });

  it("which breakers are open, and that they have closed", async () => {
    let isDown = true;
    const mail = handler(() => (isDown ? Promise.reject(new ServiceDown("The mail server is away.")) : undefined), {
      backoffSeconds: () => 0,
    });
    const engine = await runEngine(database, { MAIL: mail }, soon);
    await engine.enqueue("MAIL");
    const breakers = () => sql`
      select task_type, error, open_until between now() - interval '5 s' and now() + interval '30 s' as is_soon
      from breaker
      join worker using (worker_id)
    `;
    await until("the breaker is reported", async () => (await breakers()).length > 0);
    expect(await breakers()).toEqual([{ task_type: "MAIL", error: "The mail server is away.", is_soon: true }]);

    isDown = false;
    await until("the task is done", () => isEmpty(sql));
    await until("nothing is open", async () => (await breakers()).length === 0);
  });
});
