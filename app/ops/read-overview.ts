import type { Sql } from "../db/connect.ts";
import { countDead, countPending, mostCounted, readLastErrors, states } from "./count-tasks.ts";
import type { LastError, State } from "./count-tasks.ts";
import { readLastHour } from "./last-hour.ts";

type TypeFigures = Record<State, number> & {
  task_type: string;
  oldest_due_seconds: number | null;
  failures_last_hour: number;
  last_error?: LastError;
  breakers: Breaker[];
  /** No live worker has a handler for it. */
  is_unknown: boolean;
};

export type Overview = Awaited<ReturnType<typeof readOverview>>;

/** Tasks by state and type, and the workers, at this moment. */
export async function readOverview(sql: Sql) {
  const [pending, dead, workers, lastHour, lastErrors] = await Promise.all([
    countPending(sql),
    countDead(sql),
    listWorkers(sql),
    readLastHour(sql),
    readLastErrors(sql),
  ]);
  const alive = workers.filter(({ is_alive }) => is_alive);
  const breakers = alive.flatMap((worker) => worker.breakers);
  const known = alive.some(({ task_types }) => task_types)
    ? new Set(alive.flatMap(({ task_types }) => task_types ?? []))
    : undefined;

  const names = [pending, dead, breakers].flatMap((rows) => rows.map(({ task_type }) => task_type));
  const types = [...new Set([...names, ...lastHour.failures.keys()])].toSorted().map((task_type): TypeFigures => {
    const isOf = (row: { task_type: string }) => row.task_type === task_type;
    const last_error = lastErrors.find(isOf);
    return {
      due: 0,
      scheduled: 0,
      running: 0,
      retrying: 0,
      oldest_due_seconds: null,
      ...pending.find(isOf),
      dead: dead.find(isOf)?.dead ?? 0,
      task_type,
      failures_last_hour: lastHour.failures.get(task_type) ?? 0,
      ...(last_error && { last_error }),
      breakers: breakers.filter(isOf),
      is_unknown: known !== undefined && !known.has(task_type),
    };
  });

  const total = { due: 0, scheduled: 0, running: 0, retrying: 0, dead: 0 };
  for (const type of types) for (const state of states) total[state] += type[state];
  const unknown = types.filter((type) => type.is_unknown && type.due + type.scheduled > 0);
  return {
    total,
    // Unknown types wait for a release, not for a worker. They must not hide how late the others are.
    oldestDueSeconds: oldest(types.filter(({ is_unknown }) => !is_unknown)),
    unknownTypes: unknown.map(({ task_type }) => task_type),
    unknownDue: unknown.reduce((sum, { due }) => sum + due, 0),
    types,
    workers: [...workers],
    minutes: lastHour.minutes,
    estimate: Math.max(total.due, total.scheduled) > mostCounted ? await estimate(sql) : undefined,
  };
}

function oldest(types: TypeFigures[]): number | null {
  const ages = types.flatMap(({ oldest_due_seconds }) => oldest_due_seconds ?? []);
  return ages.length > 0 ? Math.max(...ages) : null;
}

/** Rows in `task`, by the planner's statistics. */
async function estimate(sql: Sql): Promise<number | undefined> {
  const [table] = await sql<{ rows: number }[]>`
    select reltuples::float8 as rows from pg_class where oid = 'task'::regclass
  `;
  return table && table.rows > 0 ? table.rows : undefined;
}

type Worker = {
  worker_id: string;
  host: string;
  pid: number;
  seen_seconds_ago: number;
  /** Its lease has not expired. The row of a dead worker stays until all its tasks are reclaimed. */
  is_alive: boolean;
  started_at: Date;
  /** The longest delay between its last two heartbeats; null: not reported. */
  event_loop_delay_milliseconds: number | null;
  /** The types that it has handlers for; null: not reported. */
  task_types: string[] | null;
  /** How many tasks it runs, by type. */
  running: Record<string, number>;
  breakers: Breaker[];
};

type Breaker = { task_type: string; error: string; seconds_left: number };

/** All workers, dead ones included, with what each runs and its open breakers. */
function listWorkers(sql: Sql) {
  return sql<Worker[]>`
    with running as materialized (
      select worker_id, task_type, count(*) as tasks
      from lane
      cross join lateral (
        select worker_id
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority and run_at <= now()
        -- In the index, running tasks come before the due ones.
        order by run_at
        limit ${mostCounted + 1}
      ) as task
      where worker_id is not null
      group by worker_id, task_type
    )
    select
      worker_id, host, pid, started_at, event_loop_delay_milliseconds, task_types,
      extract(epoch from now() - seen_at)::float8 as seen_seconds_ago,
      seen_at + make_interval(secs => lease_seconds) > now() and expired_at is null as is_alive,
      (
        select coalesce(json_object_agg(task_type, tasks order by task_type), '{}')
        from running
        where running.worker_id = worker.worker_id
      ) as running,
      (
        select coalesce(json_agg(json_build_object(
          'task_type', task_type, 'error', error,
          'seconds_left', greatest(0, extract(epoch from open_until - now()))
        ) order by task_type), '[]')
        from breaker
        where breaker.worker_id = worker.worker_id
      ) as breakers
    from worker
    order by started_at, worker_id
  `;
}
