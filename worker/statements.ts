import type { TransactionSql } from "postgres";
import type { Sql } from "../app/db.ts";
import type { Lane } from "./lanes.ts";
import type { Task } from "./task.ts";

// The life of a task:
//   owed      a row that nobody holds            insert, by anybody
//   held      worker_id says by whom             claim: counts the attempt before the handler runs
//   done      no row                             finish
//   failed    owed again, later; task_error      fail
//   dead      moved to task_dead; task_error     fail, without a delay
//   released  owed again, attempt given back     release: claimed, never started
//   freed     owed again, outcome unknown        session-statements.ts: its worker is gone, or did not wait
// Who finishes, fails or releases must hold the very attempt still: a worker that lost its claim changes nothing.

/** A task as its claim returns it: under which session, the worker knows by itself. */
export type Claimed = Omit<Task, "worker_id">;

/** A claimed task as its fence knows it. */
export type Held = Pick<Task, "task_id" | "attempt" | "worker_id">;

/** An attempt that was still held, and has been written down. */
export type Written = Pick<Task, "task_id" | "attempt">;

export type Failure = Held & {
  error: string;
  /** Null: dead. */
  delay_seconds: number | null;
  /** Buried without a start: the attempt does not count. */
  is_unstarted: boolean;
};

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
        select task_type, priority, run_at, task_id, true
        from task
        where worker_id is null and unsettled >= 2
          and task_type = any(${types})
        order by run_at, task_id
        limit 1
      )
    ) as front
    where run_at <= now()
    order by priority, task_type
  `;
}

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
    where task_id = ${taskId}
      and worker_id is null and unsettled >= 2
      and exists (select from worker where worker_id = ${workerId})
    returning ${claimed(sql)}
  `;
}

const claimed = (sql: Sql) => sql`
  task_id, task_type, params, priority, attempt, unsettled, now() as claimed_at,
  run_at::text, extract(epoch from run_at)::float8 as due_since, extract(epoch from created_at)::text as born
`;

/** Done: nothing is owed any more. Returns those that were still held. */
export function finish(sql: Sql | TransactionSql, done: Held[]) {
  return sql<Written[]>`
    delete from task
    using ${held(sql, done)}
    where ${isHeld(sql)}
    returning task.task_id, task.attempt
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
    )
    select task_id, attempt from retried
    union all
    select task_id, attempt + unstarted from buried
  `;
}

/** Claimed and never started: the attempt is given back. */
export function release(sql: Sql, unstarted: Held[]) {
  return sql`
    update task
    set worker_id = null, attempt = task.attempt - 1
    from ${held(sql, unstarted)}
    where ${isHeld(sql)}
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

const held = (sql: Sql | TransactionSql, tasks: Held[]) => sql`
  unnest(
    ${tasks.map(({ task_id }) => task_id)}::bigint[],
    ${tasks.map(({ attempt }) => attempt)}::smallint[],
    ${tasks.map(({ worker_id }) => worker_id)}::uuid[]
  ) as held (task_id, attempt, worker_id)
`;

const isHeld = (sql: Sql | TransactionSql) => sql`
  task.task_id = held.task_id and task.attempt = held.attempt and task.worker_id = held.worker_id
`;

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
