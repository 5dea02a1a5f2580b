import type { Sql } from "../db/connect.ts";
import { typesIn } from "./count-tasks.ts";

export type LastError = { task_type: string; task_id: string; error: string; failed_at: Date };

/** So many of the latest errors are looked through: a task's type stands with the task, not with its errors. */
const latest = 200;

/** The last error of each type, as far as its task is still there. */
export function readLastErrors(sql: Sql) {
  return sql<LastError[]>`
    with recursive dead_type as (${typesIn(sql, "dead_type", "task_dead", sql`true`)})
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
