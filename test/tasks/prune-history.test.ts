import { beforeEach, describe, expect, it } from "vitest";
import { schedule } from "../../worker/schedule.ts";
import { pruneHistory } from "../../worker/tasks/prune-history.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isEmpty, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const deadDays = 90;
const errorDays = 30;
beforeEach(() => empty(sql));

const die = (task_id: number, days: number) => sql`
  insert into task_dead (task_id, task_type, params, priority, attempt, reason, created_at, died_at)
  values (${task_id}, 'MAIL', '{}', 0, 1, 'failed', now(), now() - make_interval(days => ${days}))
`;
const fail = (task_id: number, days: number) => sql`
  insert into task_error (task_id, attempt, error, failed_at)
  values (${task_id}, 1, 'failed', now() - make_interval(days => ${days}))
`;

async function prune(): Promise<void> {
  await runEngine(database, { PRUNE_HISTORY: pruneHistory(sql) });
  await enqueue(sql, "PRUNE_HISTORY");
  await until("it is pruned", () => isEmpty(sql));
}

describe("PRUNE_HISTORY", () => {
  it("deletes old dead tasks, and old errors except those of dead tasks still there", async () => {
    await die(1, deadDays - 1);
    await die(2, deadDays + 1);
    await fail(1, errorDays + 1);
    await fail(2, deadDays + 1);
    await fail(3, errorDays + 1);
    await fail(4, errorDays - 1);
    await prune();
    expect(await sql`select task_id from task_dead`).toEqual([{ task_id: "1" }]);
    expect(await sql`select task_id from task_error order by task_id`).toEqual([{ task_id: "1" }, { task_id: "4" }]);
  });

  it("deletes the statistics of old minutes, and keeps the totals", async () => {
    await sql`
      insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
      select minute, 'MAIL', false, 1, 1, 1
      from unnest(array[now(), now() - interval '3 hours', '-infinity']) as minute
    `;
    await prune();
    expect(
      await sql`select minute > '-infinity' as is_recent from attempt_statistics where task_type = 'MAIL' order by minute desc`,
    ).toEqual([{ is_recent: true }, { is_recent: false }]);
  });

  it("deletes 25,000 old errors", async () => {
    await sql`
      insert into task_error (task_id, attempt, error, failed_at)
      select n, 1, 'failed', '2026-01-01' from generate_series(1, 25000) as n
    `;
    await prune();
    expect(await sql`select from task_error`).toHaveLength(0);
  });

  it("is enqueued daily", () => {
    expect(schedule({ TZ_MAIL: "UTC" })).toContainEqual(
      expect.objectContaining({ task_type: "PRUNE_HISTORY", daily_at: "03:30" }),
    );
  });
});
