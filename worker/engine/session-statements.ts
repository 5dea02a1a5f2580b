import type { Sql } from "../../app/db.ts";
import type { Task } from "../task.ts";

// One row in `worker` for each live worker process. A task whose worker_id is not there is free to be taken back.

/** A worker begins a session; operators see what it has handlers for. */
export function join(sql: Sql, workerId: string, host: string, pid: number, types: string[] | null = null) {
  return sql`
    insert into worker (worker_id, host, pid, task_types)
    values (${workerId}, ${host}, ${pid}, ${types}::text[])
  `;
}

/** A heartbeat, with the longest turn of the event loop since the last. Returns no row to a worker that was declared dead. */
export function beat(sql: Sql, workerId: string, turnMilliseconds: number | null = null) {
  return sql<{ worker_id: string }[]>`
    update worker
    set seen_at = now(), turn_milliseconds = ${turnMilliseconds}
    where worker_id = ${workerId}
    returning worker_id
  `;
}

/** Declares those dead that were not seen for a lease, and frees what is held by any worker that is not there. */
export function freeTheDead(sql: Sql, leaseSeconds: number, judge: string | null = null) {
  return sql<Pick<Task, "task_id" | "task_type" | "attempt">[]>`
    with dead as (
      delete from worker
      where seen_at < now() - make_interval(secs => ${leaseSeconds})
        -- A judge that is not fresh itself has been frozen, perhaps with everybody.
        and (${judge}::uuid is null or exists (
          select from worker
          where worker_id = ${judge} and seen_at > now() - make_interval(secs => ${leaseSeconds / 3})
        ))
      returning worker_id
    ), held as materialized (
      select task_id, attempt, worker_id
      from task
      where worker_id is not null
      order by task_id
    ), freed as (
      update task
      set worker_id = null, unsettled = unsettled + 1
      from held
      where task.task_id = held.task_id and task.attempt = held.attempt and task.worker_id = held.worker_id
        and (
          held.worker_id in (select worker_id from dead)
          -- A claim that committed while its worker was being declared dead.
          or not exists (select from worker where worker.worker_id = held.worker_id)
        )
      returning task.task_id, task_type, task.attempt
    ), noted as (
      insert into task_error (task_id, attempt, error)
      select task_id, attempt, 'The worker died, or was cut off, before there was an outcome.'
      from freed
      on conflict do nothing
    )
    select task_id, task_type, attempt
    from freed
  `;
}

/** A worker ends its session; what it still holds was started, and its outcome is unknown. */
export function leave(sql: Sql, workerId: string) {
  return sql`
    with gone as (
      delete from worker
      where worker_id = ${workerId}
    ), freed as (
      update task
      set worker_id = null, unsettled = unsettled + 1
      where worker_id = ${workerId}
      returning task_id, attempt
    )
    insert into task_error (task_id, attempt, error)
    select task_id, attempt, 'The worker was stopped before there was an outcome.'
    from freed
    on conflict do nothing
  `;
}
