import type { Sql } from "../../app/db.ts";
import type { Lane } from "./share-slots.ts";

/**
 * The lanes (type and priority) that have due tasks, and the front of each. A loose index scan: one descent for each lane,
 * however many rows wait in it. Later claims start at the front, so that they don't walk over what is done already
 * but not yet vacuumed.
 */
export function survey(sql: Sql, types: string[]) {
  return sql<Lane[]>`
    with recursive lane as (
      select known.task_type, front.*
      from unnest(${types}::text[]) as known (task_type)
      cross join lateral (
        select priority, run_at, task_id
        from task
        where task.task_type = known.task_type
          and worker_id is null and unsettled < 2
        order by priority, run_at, task_id
        limit 1
      ) as front
      union all
      select lane.task_type, front.*
      from lane
      cross join lateral (
        select priority, run_at, task_id
        from task
        where task.task_type = lane.task_type and task.priority > lane.priority
          and worker_id is null and unsettled < 2
        order by priority, run_at, task_id
        limit 1
      ) as front
    )
    select
      task_type, priority, run_at::text, task_id, extract(epoch from run_at)::float8 as due_since,
      run_at < now() - case when is_suspect then interval '10 seconds' else interval '5 minutes' end as is_aged,
      is_suspect
    from (
      select *, false as is_suspect
      from lane
      union all (
        select distinct on (task_type) task_type, priority, run_at, task_id, true
        from (
          select task_type, priority, run_at, task_id
          from task
          where worker_id is null and unsettled >= 2
            and task_type = any(${types})
          order by run_at, task_id
          limit 100
        ) as suspect
        order by task_type, run_at, task_id
      )
    ) as front
    where run_at <= now()
    order by front.run_at, front.task_id
  `;
}

/** Types of due and future tasks that this worker has no handler for. */
export function unknownTypes(sql: Sql, types: string[]) {
  return sql<{ task_type: string }[]>`
    with recursive waiting (task_type) as (
      select min(task_type)
      from task
      where worker_id is null and unsettled < 2
      union all
      select (
        select min(task_type)
        from task
        where worker_id is null and unsettled < 2 and task.task_type > waiting.task_type
      )
      from waiting
      where task_type is not null
    )
    select task_type
    from waiting
    where task_type <> all(${types})
  `;
}
