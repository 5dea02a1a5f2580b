import type { Sql } from "../db/connect.ts";

/** Further than this nothing is counted: a count beyond it means "more". */
export const mostCounted = 10_000;

export const states = ["due", "scheduled", "running", "retrying", "dead"] as const;
export type State = (typeof states)[number];

type Count = { task_type: string; state: State; tasks: number; oldest_due_seconds: number | null };

/**
 * Tasks by type and state, each lane (type and priority) counted up to `mostCounted`. Retrying are those that wait for another
 * attempt after a failed one: they are among the due and the scheduled, too.
 * Loose index scans, as in the worker's survey: what is read grows with the types in use, not with the backlog.
 */
export function countTasks(sql: Sql) {
  const upTo = mostCounted + 1;
  return sql<Count[]>`
    with recursive lane as (
      (
        select task_type, priority
        from task
        order by task_type, priority
        limit 1
      )
      union all
      select next.task_type, next.priority
      from lane
      cross join lateral (
        select task_type, priority
        from task
        where (task.task_type, task.priority) > (lane.task_type, lane.priority)
        order by task_type, priority
        limit 1
      ) as next
    ), dead_type as (${typesIn(sql, "dead_type", "task_dead", sql`true`)}
    ), due as materialized (
      select lane.task_type, due.*
      from lane
      cross join lateral (
        select
          count(*) filter (where worker_id is null) as tasks, min(run_at) filter (where worker_id is null) as since,
          count(worker_id) as running, count(*) filter (where worker_id is null and attempt > 0) as retrying
        from (
          select run_at, worker_id, attempt
          from task
          where task.task_type = lane.task_type and task.priority = lane.priority and run_at <= now()
          order by run_at
          limit ${upTo}
        ) as task
      ) as due
    ), scheduled as materialized (
      select lane.task_type, scheduled.*
      from lane
      cross join lateral (
        select count(*) as tasks, count(*) filter (where attempt > 0) as retrying
        from (
          select attempt
          from task
          where task.task_type = lane.task_type and task.priority = lane.priority and run_at > now()
          order by run_at
          limit ${upTo}
        ) as task
      ) as scheduled
    ), counted as (
      select task_type, 'due' as state, tasks, since from due
      union all
      -- Running tasks stand in front of the due ones.
      select task_type, 'running', running, null from due
      union all
      select task_type, 'retrying', retrying, null from due
      union all
      select task_type, 'scheduled', tasks, null from scheduled
      union all
      select task_type, 'retrying', retrying, null from scheduled
      union all
      select dead_type.task_type, 'dead', tasks, null
      from dead_type
      cross join lateral (
        select count(*) as tasks
        from (
          select
          from task_dead
          where task_dead.task_type = dead_type.task_type
          order by died_at
          limit ${upTo}
        ) as task_dead
      ) as dead
    )
    select
      task_type, state, sum(tasks)::int as tasks,
      extract(epoch from now() - min(since) filter (where state = 'due'))::float8 as oldest_due_seconds
    from counted
    group by task_type, state
    having sum(tasks) > 0
    order by task_type, state
  `;
}

/** The body of a recursive CTE: the types among those rows, one descent for each. Ends with a null. */
export function typesIn(sql: Sql, cte: string, table: "task" | "task_dead", where: ReturnType<Sql>) {
  return sql`
    select min(task_type) as task_type
    from ${sql(table)}
    where ${where}
    union all
    select (
      select min(task_type)
      from ${sql(table)}
      where ${where} and ${sql(table)}.task_type > ${sql(cte)}.task_type
    )
    from ${sql(cte)}
    where task_type is not null
  `;
}
