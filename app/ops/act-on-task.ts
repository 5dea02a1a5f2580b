import type { Sql } from "../db/connect.ts";
import { noteActs, type Actor } from "./acts.ts";

// Each is one statement, writes down who did it, and does nothing the second time. Returns the task when it did something.

type Changed = { task_id: string };

/** Due now, whatever its back-off says. What is due or held already is left alone. */
export function runNow(sql: Sql, taskId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      update task
      set run_at = now()
      where task_id = ${taskId} and worker_id is null and run_at > now()
      returning task_id, task_type
    ), noted as (${noteActs(sql, "run", actor, "changed")})
    select task_id from changed
  `;
}

/** Nothing is owed any more. An attempt that is under way can't be called back, but no other follows it. */
export function cancel(sql: Sql, taskId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      delete from task
      where task_id = ${taskId}
      returning task_id, task_type
    ), noted as (${noteActs(sql, "cancel", actor, "changed")})
    select task_id from changed
  `;
}

/** Dead, as if its attempts were used up: kept, and not run until somebody owes it again. */
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
    ), told as (
      insert into event (event_type, usr_id, data)
      select
        'TASK_DEAD', task_usr_id(params),
        jsonb_build_object('task_type', task_type, 'task_id', task_id::text)
      from changed
    ), noted as (${noteActs(sql, "bury", actor, "changed")})
    select task_id from changed
  `;
}
