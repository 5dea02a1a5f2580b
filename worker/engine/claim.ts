import type { Sql } from "../../app/db.ts";
import type { Lane } from "./share-slots.ts";
import type { Task } from "../task.ts";

/** A task as its claim returns it: under which session, the worker knows by itself. */
export type Claimed = Omit<Task, "worker_id">;

/** Takes `quotas[n]` due tasks from the front of `lanes[n]`, oldest first. What others are just taking is passed over. */
export function claim(sql: Sql, workerId: string, lanes: Lane[], quotas: number[]) {
  return sql<Claimed[]>`
    with taken as materialized (
      select due.place
      from unnest(
        ${lanes.map(({ task_type }) => task_type)}::text[],
        ${lanes.map(({ priority }) => priority)}::smallint[],
        ${lanes.map(({ run_at }) => run_at)}::text[]::timestamptz[],
        ${lanes.map(({ task_id }) => task_id)}::bigint[],
        ${quotas}::int[]
      ) as lane (task_type, priority, run_at, task_id, quota)
      cross join lateral (
        select task.ctid as place
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority
          and (task.run_at, task.task_id) >= (lane.run_at, lane.task_id) and task.run_at <= now()
          and worker_id is null and unsettled < 2
        order by task.run_at, task.task_id
        limit lane.quota
        for update skip locked
      ) as due
    )
    update task
    set worker_id = ${workerId}, attempt = least(attempt, 32766) + 1
    -- By its place, which can't change while we hold the lock: no index is asked twice. As an array: joined to the CTE,
    -- whose size the planner can't know, it would read the whole table.
    where ctid = any (array(select place from taken))
      and exists (select from worker where worker_id = ${workerId})
    returning ${claimed(sql)}
  `;
}

/** Takes one task whose last two attempts ended in a crash, if it is there still. */
export function claimSuspect(sql: Sql, workerId: string, taskId: string) {
  return sql<Claimed[]>`
    update task
    set worker_id = ${workerId}, attempt = least(attempt, 32766) + 1
    where task_id = (
        select task_id
        from task
        where task_id = ${taskId} and worker_id is null and unsettled >= 2
        for update skip locked
      )
      and exists (select from worker where worker_id = ${workerId})
    returning ${claimed(sql)}
  `;
}

const claimed = (sql: Sql) => sql`
  task_id, task_type, params, priority, attempt, unsettled, now() as claimed_at,
  run_at::text, extract(epoch from run_at)::float8 as due_since, extract(epoch from created_at)::text as born
`;
