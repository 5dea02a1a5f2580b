import type { PendingQuery, TransactionSql } from "postgres";
import type { Sql } from "../../app/db.ts";
import { held, isHeld, type Held, type Written } from "./fence.ts";
import type { Told } from "../task.ts";

/** A task that is done, with what its handler has to tell. */
export type Done = Held & { event?: Told | undefined };

export type Failure = Held & {
  error: string;
  /** Null: dead. */
  delay_seconds: number | null;
  /** Buried without a start: the attempt does not count. */
  is_unstarted: boolean;
};

/** Done: nothing is owed any more. Returns those that were still held. */
export function finish(sql: Sql | TransactionSql, done: Done[]) {
  const finished = sql<Written[]>`
    delete from task
    using ${held(sql, done)}
    where ${isHeld(sql)}
    returning task.task_id, task.attempt
  `;
  return done.some(({ event }) => event) ? withEvents(sql, done, finished) : finished;
}

/** The same, and the events of those that were still held. */
function withEvents(sql: Sql | TransactionSql, done: Done[], finished: PendingQuery<Written[]>) {
  const told = done.flatMap(({ task_id, attempt, event }) => (event ? [{ task_id, attempt, ...event }] : []));
  return sql<Written[]>`
    with finished as (
      ${finished}
    ), appended as (
      insert into event (event_type, usr_id, data)
      select event_type, usr_id, data
      from unnest(
        ${told.map(({ task_id }) => task_id)}::bigint[],
        ${told.map(({ attempt }) => attempt)}::smallint[],
        ${told.map(({ event_type }) => event_type)}::text[],
        ${told.map(({ usr_id }) => usr_id ?? null)}::bigint[],
        ${told.map(({ data }) => JSON.stringify(data ?? {}))}::text[]::jsonb[]
      ) as told (task_id, attempt, event_type, usr_id, data)
      join finished using (task_id, attempt)
    )
    select task_id, attempt from finished
  `;
}

/** Failed: the history gets the error; owed again after the delay, or dead. Returns those that were still held. */
export function fail(sql: Sql, failures: Failure[]) {
  return sql<Written[]>`
    with failed as materialized (
      -- By the whole fence: a batch may hold a lost attempt of a task beside the one that took its place.
      select *
      from unnest(
        ${failures.map(({ task_id }) => task_id)}::bigint[],
        ${failures.map(({ attempt }) => attempt)}::smallint[],
        ${failures.map(({ worker_id }) => worker_id)}::uuid[],
        ${failures.map(({ error }) => error)}::text[],
        ${failures.map(({ delay_seconds }) => delay_seconds)}::float8[],
        ${failures.map(({ is_unstarted }) => Number(is_unstarted))}::smallint[]
      ) as failure (task_id, attempt, worker_id, error, delay_seconds, unstarted)
    ), retried as (
      update task
      set worker_id = null, unsettled = 0, run_at = now() + make_interval(secs => delay_seconds)
      from failed as held
      where ${isHeld(sql)} and delay_seconds is not null
      returning task.task_id, task.attempt, error
    ), buried as (
      delete from task
      using failed as held
      where ${isHeld(sql)} and delay_seconds is null
      returning
        task.task_id, task_type, params, priority, task.attempt - unstarted as attempt, unique_key, created_at,
        error, unstarted
    ), noted as (
      insert into task_error (task_id, attempt, error)
      select task_id, attempt, error from retried
      union all
      select task_id, attempt, error from buried where unstarted = 0
      -- Somebody has set the attempts back by hand.
      on conflict (task_id, attempt) do update set error = excluded.error, failed_at = now()
    ), dead as (
      insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, created_at, reason)
      select task_id, task_type, params, priority, attempt, unique_key, created_at, error
      from buried
    ), appended as (
      insert into event (event_type, usr_id, data)
      select
        'TASK_DEAD',
        -- Params are anybody's: what is no number of a user is left out.
        case when params ->> 'usr_id' ~ '^[1-9][0-9]{0,17}$' then (params ->> 'usr_id')::bigint end,
        jsonb_build_object('task_type', task_type, 'task_id', task_id::text)
      from buried
    )
    select task_id, attempt from retried
    union all
    select task_id, attempt + unstarted from buried
  `;
}
