import type { Sql } from "../app/db.ts";
import type { Task } from "./task.ts";

// The life of a task. Owed: a row that nobody holds. Held: worker_id is set. Done: deleted. Dead: moved to task_dead.
// Who finishes, frees or buries must still hold the very attempt: a worker that lost its claim changes nothing.

/** Takes up to `hands` due tasks, most urgent first, and counts the attempt before anything is done. */
export function claim(sql: Sql, workerId: string, types: string[], hands: number) {
  return sql<Task[]>`
    with due as materialized (
      select task_id
      from task
      where worker_id is null
        and run_at <= now()
        and task_type = any(${types})
      order by priority, run_at, task_id
      limit ${hands}
      for update skip locked
    )
    update task
    set worker_id = ${workerId}, attempt = attempt + 1
    from due
    where task.task_id = due.task_id
    returning
      task.task_id,
      task_type,
      params,
      attempt,
      (extract(epoch from created_at) * 1000000)::bigint as born,
      now() as claimed_at
  `;
}

/** Done: nothing is owed any more. */
export function finish(sql: Sql, workerId: string, task: Task) {
  return sql`
    delete from task
    where task_id = ${task.task_id}
      and attempt = ${task.attempt}
      and worker_id = ${workerId}
  `;
}

/** Failed: kept in the history, and owed again after a pause. */
export function retryLater(sql: Sql, workerId: string, task: Task, error: string, seconds: number) {
  return sql`
    with freed as (
      update task
      set worker_id = null, run_at = now() + make_interval(secs => ${seconds})
      where task_id = ${task.task_id}
        and attempt = ${task.attempt}
        and worker_id = ${workerId}
      returning task_id, attempt
    )
    insert into task_error (task_id, attempt, error)
    select task_id, attempt, ${error}
    from freed
  `;
}

/** Given up: kept in the history, and moved to where people look. */
export function bury(sql: Sql, workerId: string, task: Task, reason: string) {
  return sql`
    with gone as (
      delete from task
      where task_id = ${task.task_id}
        and attempt = ${task.attempt}
        and worker_id = ${workerId}
      returning task_id, task_type, params, priority, attempt, unique_key, created_at
    ), failed as (
      insert into task_error (task_id, attempt, error)
      select task_id, attempt, ${reason}
      from gone
    )
    insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, created_at, reason)
    select task_id, task_type, params, priority, attempt, unique_key, created_at, ${reason}
    from gone
  `;
}

/** A worker says that it lives, and joins if it is not known. */
export function beat(sql: Sql, workerId: string, host: string, pid: number) {
  return sql`
    insert into worker (worker_id, host, pid)
    values (${workerId}, ${host}, ${pid})
    on conflict (worker_id) do update set seen_at = now()
  `;
}

/** Takes the claims of workers that were not seen for a lease, so that somebody else runs them. */
export function freeTheDead(sql: Sql, leaseSeconds: number) {
  return sql`
    with dead as (
      delete from worker
      where seen_at < now() - make_interval(secs => ${leaseSeconds})
      returning worker_id
    )
    update task
    set worker_id = null
    from dead
    where task.worker_id = dead.worker_id
  `;
}

/** A worker goes: what it still holds is free at once. */
export function leave(sql: Sql, workerId: string) {
  return sql`
    with gone as (
      delete from worker
      where worker_id = ${workerId}
      returning worker_id
    )
    update task
    set worker_id = null
    from gone
    where task.worker_id = gone.worker_id
  `;
}
