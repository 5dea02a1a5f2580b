import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";

// The actions of operators on tasks. Each is one statement that also writes the audit log, and returns the tasks that
// it changed. A repeat does nothing.

/** Who does it: an operator's `usr_id`, or null for a command. */
export type Actor = string | null;

type Changed = { task_id: string };
type Fragment = PendingQuery<Row[]>;

/** Makes a scheduled or retrying task due now. */
export function runNow(sql: Sql, taskId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      update task
      set run_at = now()
      where task_id = ${taskId} and worker_id is null and run_at > now()
      returning task_id, task_type
    ), logged as (${logAction(sql, "run", actor, taskOf(sql), sql`changed`)})
    select task_id from changed
  `;
}

/** Deletes a task. A running attempt goes on, and no other follows it. */
export function cancel(sql: Sql, taskId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      delete from task
      where task_id = ${taskId}
      returning task_id, task_type
    ), logged as (${logAction(sql, "cancel", actor, taskOf(sql), sql`changed`)})
    select task_id from changed
  `;
}

/** Moves a task to the dead ones, as if its attempts were used up. */
export function bury(sql: Sql, taskId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      delete from task
      where task_id = ${taskId}
      returning task_id, task_type, params, priority, attempt, unique_key, created_at
    ), dead as (
      insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, created_at, reason)
      select task_id, task_type, params, priority, attempt, unique_key, created_at, 'Buried by an operator.'
      from changed
    ), new_event as (
      insert into event (event_type, usr_id, data)
      select
        'TASK_DEAD', task_usr_id(params),
        jsonb_build_object('task_type', task_type, 'task_id', task_id::text)
      from changed
    ), logged as (${logAction(sql, "bury", actor, taskOf(sql), sql`changed`)})
    select task_id from changed
  `;
}

export type Retried = {
  /** Of the dead task. */
  dead_task_id: string;
  /** Of the new task. Null: the dead task stays. Its unique key is pending again, or another call was faster. */
  task_id: string | null;
};

/** The most tasks in one statement, which holds its locks until it ends. */
export const mostRetried = 10_000;

/** Enqueues dead tasks again: one by id, or the latest 10,000 of a type. Each gets a new id and all its attempts. */
export function retryDead(sql: Sql, which: { task_id: string } | { task_type: string }, actor: Actor) {
  const isOne = "task_id" in which;
  return sql<Retried[]>`
    with dead as materialized (
      select *, row_number() over (partition by task_type, unique_key order by died_at desc, task_id desc) as nth
      from (
        select *
        from task_dead
        where ${isOne ? sql`task_id = ${which.task_id}` : sql`task_type = ${which.task_type}`}
        order by died_at desc, task_id desc
        limit ${mostRetried}
      ) as latest
    ), retryable as materialized (
      select *, nextval(pg_get_serial_sequence('task', 'task_id')) as new_task_id
      from dead
      where unique_key is null
        or nth = 1 and not exists (
          select from task where task.task_type = dead.task_type and task.unique_key = dead.unique_key
        )
    ), changed as (
      delete from task_dead
      using retryable
      where task_dead.task_id = retryable.task_id
      returning retryable.*
    ), new_task as (
      insert into task (task_id, task_type, params, priority, unique_key)
      overriding system value
      select new_task_id, task_type, params, priority, unique_key
      from changed
    ), logged as (${isOne ? logRetry(sql, actor) : logRetries(sql, actor)})
    select dead.task_id as dead_task_id, changed.new_task_id as task_id
    from dead
    left join changed using (task_id)
    order by dead.task_id
  `;
}

/** Retries one dead task; returns nothing when it stays as it is. */
export async function retryOne(sql: Sql, taskId: string, actor: Actor): Promise<Retried[]> {
  return (await retryDead(sql, { task_id: taskId }, actor)).filter(({ task_id }) => task_id !== null);
}

/** The body of a CTE that writes the audit log: an event for each of the rows, with their `details` as jsonb. */
export const logAction = (sql: Sql, what: string, actor: Actor, details: Fragment, rows: Fragment) => sql`
  insert into event (event_type, usr_id, data)
  select 'OPERATOR_ACTED', ${actor}::bigint, jsonb_build_object('what', ${what}::text) || ${details}
  from ${rows}
`;

const taskOf = (sql: Sql) => sql`jsonb_build_object('task_id', task_id::text, 'task_type', task_type)`;

const logRetry = (sql: Sql, actor: Actor) =>
  logAction(
    sql,
    "retry",
    actor,
    sql`${taskOf(sql)} || jsonb_build_object('new_task_id', new_task_id::text)`,
    sql`changed`,
  );

/** One event for all tasks: one for each would flood the subscribers of the feed. */
const logRetries = (sql: Sql, actor: Actor) =>
  logAction(
    sql,
    "retry",
    actor,
    sql`jsonb_build_object('task_type', task_type, 'tasks', tasks)`,
    sql`(select task_type, count(*) as tasks from changed group by task_type) as type`,
  );
