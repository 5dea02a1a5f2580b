import { beforeEach, describe, expect, it } from "vitest";
import { readOverview } from "../../app/ops/read-overview.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { moveToDead } from "./operators.ts";

const { sql } = await createDatabase();
beforeEach(() => empty(sql));

const minutes = (count: number) => new Date(Date.now() + count * 60_000);
const figuresOf = async (type: string) => (await readOverview(sql)).types.find(({ task_type }) => task_type === type);

describe("the overview", () => {
  it("is empty without tasks", async () => {
    expect(await readOverview(sql)).toMatchObject({
      total: { due: 0, scheduled: 0, running: 0, retrying: 0, dead: 0 },
      oldestDueSeconds: null,
      unknownDue: 0,
      unknownTypes: [],
      types: [],
      workers: [],
      estimate: undefined,
    });
  });

  it("counts by type and state, over all priorities, poison tasks included", async () => {
    const worker = await addWorker(sql);
    await enqueue(sql, "MAIL", 2, { run_at: minutes(-2) });
    await enqueue(sql, "MAIL", 1, { priority: 7, run_at: minutes(-3), attempt: 1 });
    await enqueue(sql, "MAIL", 1, { priority: -7, run_at: minutes(-1), attempt: 2, crashes: 2 });
    await enqueue(sql, "MAIL", 4, { run_at: minutes(5) });
    await enqueue(sql, "MAIL", 3, { worker_id: worker, attempt: 1 });
    await enqueue(sql, "DEAD", 5);
    await moveToDead(sql, "DEAD");

    const { total, types } = await readOverview(sql);
    expect(total).toEqual({ due: 4, scheduled: 4, running: 3, retrying: 2, dead: 5 });
    expect(types).toMatchObject([
      { task_type: "DEAD", due: 0, dead: 5, oldest_due_seconds: null, last_error: { error: "no luck" } },
      { task_type: "MAIL", due: 4, scheduled: 4, running: 3, retrying: 2, dead: 0 },
    ]);
    expect(types[1]!.oldest_due_seconds).toBeCloseTo(180, -1);
  });

  it("stops counting at 10,000, and then estimates", async () => {
    await sql`insert into task (task_type) select 'MANY' from generate_series(1, 15000)`;
    await sql`analyze task`;
    expect(await readOverview(sql)).toMatchObject({ total: { due: 10_001 }, estimate: 15_000 });
  });

  it("lists the types that no live worker has a handler for, once a worker has reported its types, and does not count them as late", async () => {
    await enqueue(sql, "KNOWN", 1, { run_at: minutes(-1) });
    await enqueue(sql, "UNKNOWN", 1, { run_at: minutes(-60) });
    expect(await readOverview(sql)).toMatchObject({ unknownTypes: [] });

    await sql`insert into worker (worker_id, host, pid, task_types) values (gen_random_uuid(), 'here', 1, '{KNOWN}')`;
    const { unknownTypes, unknownDue, oldestDueSeconds } = await readOverview(sql);
    expect({ unknownTypes, unknownDue }).toEqual({ unknownTypes: ["UNKNOWN"], unknownDue: 1 });
    expect(oldestDueSeconds).toBeCloseTo(60, -1);
  });

  it("counts a worker as dead when its lease has expired, and its types as unknown", async () => {
    await enqueue(sql, "MAIL", 1);
    await sql`
      insert into worker (worker_id, host, pid, task_types, seen_at)
      values
        (gen_random_uuid(), 'here', 1, '{OTHER}', now()),
        (gen_random_uuid(), 'gone', 2, '{MAIL}', now() - interval '13 s')
    `;
    const { workers, unknownTypes } = await readOverview(sql);
    expect(Object.fromEntries(workers.map(({ host, is_alive }) => [host, is_alive]))).toEqual({
      gone: false,
      here: true,
    });
    expect(unknownTypes).toEqual(["MAIL"]);
  });

  it("shows each worker with its heartbeat, event-loop delay, running tasks and breakers", async () => {
    const worker = await addWorker(sql, 2);
    await sql`update worker set event_loop_delay_milliseconds = 12.5`;
    await enqueue(sql, "MAIL", 2, { worker_id: worker });
    await enqueue(sql, "OTHER", 1, { worker_id: worker });
    await sql`
      insert into breaker (worker_id, task_type, open_until, error)
      values (${worker}, 'MAIL', now() + interval '20 s', 'The mail server is away.')
    `;
    const { workers, types } = await readOverview(sql);
    const breaker = {
      task_type: "MAIL",
      error: "The mail server is away.",
      seconds_left: expect.any(Number) as number,
    };
    expect(workers).toMatchObject([
      {
        host: "elsewhere",
        pid: 1,
        event_loop_delay_milliseconds: 12.5,
        running: { MAIL: 2, OTHER: 1 },
        breakers: [breaker],
      },
    ]);
    expect(workers[0]!.seen_seconds_ago).toBeCloseTo(2, -1);
    expect(types.find(({ task_type }) => task_type === "MAIL")).toMatchObject({ breakers: [breaker] });
  });

  it("has the last error of a type whose task still exists", async () => {
    const [first, second, gone] = await enqueue(sql, "MAIL", 3, { attempt: 1 });
    await sql`
      insert into task_error (task_id, attempt, error, failed_at)
      values
        (${first!}, 1, 'earlier', now() - interval '2 h'), (${second!}, 1, 'later', now() - interval '1 h'),
        (${gone!}, 1, 'of a task that is done', now())
    `;
    await sql`delete from task where task_id = ${gone!}`;
    expect(await figuresOf("MAIL")).toMatchObject({ last_error: { task_id: second, error: "later" } });
  });

  it("has the last hour by minute, from the attempt statistics", async () => {
    await sql`
      insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
      select date_trunc('minute', now()) - make_interval(mins => ago), type, is_failure, 1, attempts, 1
      from (values
        (0, 'SEND_EMAIL_WELCOME', false, 5), (0, 'OTHER', false, 7), (3, 'SEND_EMAIL_WELCOME', true, 2),
        (3, 'OTHER', true, 1), (61, 'OTHER', true, 9)
      ) as minute (ago, type, is_failure, attempts)
      union all
      select '-infinity', 'OTHER', true, 1, 1000, 1
    `;
    const { minutes } = await readOverview(sql);
    expect(minutes).toHaveLength(60);
    // The minute may have ended since.
    const last = minutes.findLastIndex(({ done }) => done > 0);
    expect(last).toBeGreaterThanOrEqual(58);
    expect(minutes[last]).toEqual({ minutes_ago: 59 - last, mails: 5, done: 12, failed: 0 });
    expect(minutes[last - 3]).toEqual({ minutes_ago: 62 - last, mails: 0, done: 0, failed: 3 });
    expect(await figuresOf("OTHER")).toMatchObject({ failures_last_hour: 1 });
  });
});
