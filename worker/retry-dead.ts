import type { Sql } from "../app/db.ts";

export type Retried = {
  /** Of the dead task. */
  dead_task_id: string;
  /** Of the new one; null when its unique key is owed again already, and the dead task stays. */
  task_id: string | null;
};

/** Owes dead tasks again, one by its id or all of a type, each as a new task with a new identity and all its attempts. */
export function retryDead(sql: Sql, which: { task_id: string } | { task_type: string }) {
  const chosen = "task_id" in which ? sql`task_id = ${which.task_id}` : sql`task_type = ${which.task_type}`;
  return sql<Retried[]>`
    with dead as materialized (
      select *, row_number() over (partition by task_type, unique_key order by died_at desc, task_id desc) as nth
      from task_dead
      where ${chosen}
    ), free as materialized (
      select *, nextval(pg_get_serial_sequence('task', 'task_id')) as new_task_id
      from dead
      where unique_key is null
        or nth = 1 and not exists (
          select from task where task.task_type = dead.task_type and task.unique_key = dead.unique_key
        )
    ), gone as (
      delete from task_dead
      using free
      where task_dead.task_id = free.task_id
      returning free.*
    ), owed as (
      insert into task (task_id, task_type, params, priority, unique_key)
      overriding system value
      select new_task_id, task_type, params, priority, unique_key
      from gone
    )
    select dead.task_id as dead_task_id, gone.new_task_id as task_id
    from dead
    left join gone using (task_id)
    order by dead.task_id
  `;
}
