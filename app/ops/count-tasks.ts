import type { Sql } from "../db/connect.ts";

/** Counting stops here; a higher count means "more". */
export const mostCounted = 10_000;

export const states = ["due", "scheduled", "running", "retrying", "dead"] as const;
export type State = (typeof states)[number];

// The view `lane` makes one index descent for each lane. So the cost of these statements grows with the types in use, not
// with the backlog.

type Counts = Record<Exclude<State, "dead">, number> & { task_type: string; oldest_due_seconds: number | null };

/**
 * Pending tasks by type and state, each lane counted up to `mostCounted`. Retrying tasks are also due or scheduled.
 */
export function countPending(sql: Sql) {
  return sql<Counts[]>`
    select
      task_type, sum(due)::int as due, sum(scheduled)::int as scheduled, sum(running)::int as running,
      sum(due_again + scheduled_again)::int as retrying,
      extract(epoch from now() - min(due_since))::float8 as oldest_due_seconds
    from lane
    cross join lateral (
      select
        count(*) filter (where worker_id is null) as due, min(run_at) filter (where worker_id is null) as due_since,
        -- In the index, running tasks come before the due ones.
        count(worker_id) as running, count(*) filter (where worker_id is null and attempt > 0) as due_again
      from (
        select run_at, worker_id, attempt
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority and run_at <= now()
        order by run_at
        limit ${mostCounted + 1}
      ) as task
    ) as due
    cross join lateral (
      select count(*) as scheduled, count(*) filter (where attempt > 0) as scheduled_again
      from (
        select attempt
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority and run_at > now()
        order by run_at
        limit ${mostCounted + 1}
      ) as task
    ) as scheduled
    group by task_type
    order by task_type
  `;
}

/** The recursive CTE `dead_type`: the types of dead tasks, one descent for each. Ends with a null. */
const deadTypes = (sql: Sql) => sql`
  dead_type as (
    select min(task_type) as task_type
    from task_dead
    union all
    select (select min(task_type) from task_dead where task_dead.task_type > dead_type.task_type)
    from dead_type
    where task_type is not null
  )
`;

/** Dead tasks by type. */
export function countDead(sql: Sql) {
  return sql<{ task_type: string; dead: number }[]>`
    with recursive ${deadTypes(sql)}
    select task_type, count(*)::int as dead
    from dead_type
    cross join lateral (
      select
      from task_dead
      where task_dead.task_type = dead_type.task_type
      order by died_at
      limit ${mostCounted + 1}
    ) as task_dead
    group by task_type
  `;
}

export type LastError = { task_type: string; task_id: string; error: string; failed_at: Date };

/** Only this many of the latest errors are searched: an error's type is in the row of its task. */
const latest = 200;

/** The last error of each type whose task is pending or dead. */
export function readLastErrors(sql: Sql) {
  return sql<LastError[]>`
    with recursive ${deadTypes(sql)}
    select distinct on (task_type) task_type, task_id, error, failed_at
    from (
      select task_type, task_id, error, failed_at
      from (
        select task_id, error, failed_at
        from task_error
        order by failed_at desc
        limit ${latest}
      ) as task_error
      join lateral (
        select task_type from task where task.task_id = task_error.task_id
        union all
        select task_type from task_dead where task_dead.task_id = task_error.task_id
      ) as task on true
      union all
      select dead_type.task_type, task_id, reason, died_at
      from dead_type
      cross join lateral (
        select task_id, reason, died_at
        from task_dead
        where task_dead.task_type = dead_type.task_type
        order by died_at desc
        limit 1
      ) as dead
    ) as failure
    order by task_type, failed_at desc
  `;
}
