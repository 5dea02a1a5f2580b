import type { Sql } from "../../app/db.ts";
import { held, isHeld, type Held, type Written } from "./fence.ts";
import type { Task } from "../task.ts";

/** A task that was found not to be due yet. */
export type Delayed = Held & Pick<Task, "run_at"> & { delay_seconds: number };

/** Claimed and never started: the attempt is given back. */
export function release(sql: Sql, unstarted: Held[]) {
  return sql`
    update task
    set worker_id = null, attempt = task.attempt - 1
    from ${held(sql, unstarted)}
    where ${isHeld(sql)}
  `;
}

/** Not now: owed again after the delay, the attempt is given back. Returns those that were still held. */
export function putOff(sql: Sql, delayed: Delayed[]) {
  return sql<Written[]>`
    update task
    set
      worker_id = null, unsettled = 0, attempt = task.attempt - 1,
      run_at = now() + make_interval(secs => delay_seconds)
    from unnest(
      ${delayed.map(({ task_id }) => task_id)}::bigint[],
      ${delayed.map(({ attempt }) => attempt)}::smallint[],
      ${delayed.map(({ worker_id }) => worker_id)}::uuid[],
      ${delayed.map(({ run_at }) => run_at)}::text[]::timestamptz[],
      ${delayed.map(({ delay_seconds }) => delay_seconds)}::float8[]
    ) as held (task_id, attempt, worker_id, run_at, delay_seconds)
    where ${isHeld(sql)}
      -- The next claim counts the same attempt: said twice, because the first answer was lost, it must not undo that one.
      and task.run_at = held.run_at
    returning task.task_id, held.attempt
  `;
}

/** Gives back what this worker holds and has not heard of: the connection was lost after its claim. */
export function releaseUnheard(sql: Sql, workerId: string, known: Task[]) {
  return sql`
    update task
    set worker_id = null, attempt = attempt - 1
    where worker_id = ${workerId}
      and task_id <> all(${known.map(({ task_id }) => task_id)}::bigint[])
  `;
}
