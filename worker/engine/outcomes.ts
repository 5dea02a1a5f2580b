import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import type { Emitted, Task } from "./task.ts";

/** What identifies an attempt: a worker that lost its claim matches no row, and changes nothing. */
export type Fence = Pick<Task, "task_id" | "attempt" | "worker_id">;

/** A task that is done, with the event that its handler emits. */
export type Done = Fence & { event?: Emitted | undefined };

/** A task that goes back: to run again, or to `task_dead`. */
export type GivenBack = Fence &
  Pick<Task, "run_at"> & {
    /** For the history and, if it is dead, its reason. Null: nothing was tried. */
    error: string | null;
    /** Seconds until it is due again; null: it keeps its place. */
    delay_seconds: number | null;
    is_dead: boolean;
    /** Whether the attempt counts. */
    is_counted: boolean;
    /** What it has from now on: 0 after any outcome. */
    crashes: number;
  };

/** An attempt that was still this worker's. Not recorded: another transaction has locked the row. */
export type Recorded = Pick<Task, "task_id" | "attempt"> & { is_recorded: boolean };

const fences = (sql: Sql | TransactionSql, tasks: Fence[]) => sql`
  unnest(
    ${tasks.map(({ task_id }) => task_id)}::bigint[],
    ${tasks.map(({ attempt }) => attempt)}::smallint[],
    ${tasks.map(({ worker_id }) => worker_id)}::uuid[]
  ) as fence (task_id, attempt, worker_id)
`;

const isMine = (sql: Sql | TransactionSql) => sql`
  task.task_id = fence.task_id and task.attempt = fence.attempt and task.worker_id = fence.worker_id
`;

/**
 * Done: the rows go, and the events are appended. Returns the attempts that were still this worker's. Throws 55P03 when it
 * has waited too long for a row that another transaction has locked: then nothing is recorded.
 */
export function finish(sql: Sql | TransactionSql, done: Done[], lockTimeout = "20ms") {
  const finished = sql<Recorded[]>`
    delete from task
    using ${fences(sql, done)}
    where ${isMine(sql)}
      and (select set_config('lock_timeout', ${lockTimeout}, true)) is not null
    returning task.task_id, task.attempt, true as is_recorded
  `;
  const events = eventsOf(done);
  if (events.length === 0) return finished;
  return sql<Recorded[]>`
    with finished as (
      ${finished}
    ), emitted as (
      ${emit(sql, events)}
    )
    select task_id, attempt, is_recorded from finished
  `;
}

/** The same without waiting: rows that another transaction has locked are returned as not recorded. */
export function finishSkippingLocked(sql: Sql, done: Done[]) {
  return sql<Recorded[]>`
    with mine as materialized (
      select task.task_id, task.attempt
      from task
      join ${fences(sql, done)} on ${isMine(sql)}
      for update of task skip locked
    ), finished as (
      delete from task
      using mine
      where task.task_id = mine.task_id
      returning task.task_id, task.attempt
    ), emitted as (
      ${emit(sql, eventsOf(done))}
    )
    select
      task.task_id, task.attempt,
      exists (select from finished where finished.task_id = task.task_id) as is_recorded
    from task
    join ${fences(sql, done)} on ${isMine(sql)}
  `;
}

type EmittedBy = Pick<Task, "task_id" | "attempt"> & Emitted;

const eventsOf = (done: Done[]): EmittedBy[] =>
  done.flatMap(({ task_id, attempt, event }) => (event ? [{ task_id, attempt, ...event }] : []));

/** The events of the attempts in the CTE `finished`. */
const emit = (sql: Sql | TransactionSql, events: EmittedBy[]) => sql`
  insert into event (event_type, usr_id, data)
  select event_type, usr_id, coalesce(data, '{}')
  from jsonb_to_recordset(${sql.json(events)})
    as emitted (task_id bigint, attempt smallint, event_type text, usr_id bigint, data jsonb)
  join finished using (task_id, attempt)
`;

/**
 * Gives tasks back: to run again after a delay or at once, or to `task_dead`. Returns the attempts that were still this
 * worker's; rows that another transaction has locked are returned as not recorded.
 *
 * An attempt that does not count is claimed again under the same number. It moves `run_at`: so the statement, repeated because
 * its first answer was lost, does not undo the next claim. An error may exist already, if an update has reset the attempts.
 */
export function giveBack(sql: Sql, tasks: GivenBack[]) {
  return sql<Recorded[]>`
    with fence as materialized (
      select *
      from jsonb_to_recordset(${sql.json(tasks)}) as fence (
        task_id bigint, attempt smallint, worker_id uuid, run_at timestamptz,
        error text, delay_seconds float8, is_dead bool, is_counted bool, crashes smallint
      )
    ), mine as materialized (
      select fence.*
      from task
      join fence on ${isMine(sql)} and (task.run_at = fence.run_at or is_counted or is_dead)
      for update of task skip locked
    ), returned as (
      update task
      set worker_id = null, crashes = mine.crashes, attempt = mine.attempt - (not is_counted)::int,
        run_at = coalesce(now() + make_interval(secs => delay_seconds), task.run_at + interval '1 microsecond')
      from mine
      where task.task_id = mine.task_id and not is_dead
    ), buried as (
      delete from task
      using mine
      where task.task_id = mine.task_id and is_dead
      returning task.*, is_counted, error
    ), noted as (
      insert into task_error (task_id, attempt, error)
      select task_id, attempt, error from mine where error is not null and (is_counted or not is_dead)
      on conflict (task_id, attempt) do update set error = excluded.error, failed_at = now()
    ), dead as (
      insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, created_at, reason)
      select task_id, task_type, params, priority, attempt - (not is_counted)::int, unique_key, created_at, error
      from buried
    ), emitted as (
      insert into event (event_type, usr_id, data)
      select 'TASK_DEAD', task_usr_id(params), jsonb_build_object('task_type', task_type, 'task_id', task_id::text)
      from buried
    )
    select task.task_id, task.attempt, exists (select from mine where mine.task_id = task.task_id) as is_recorded
    from task
    join fence on ${isMine(sql)} and (task.run_at = fence.run_at or is_counted or is_dead)
  `;
}
