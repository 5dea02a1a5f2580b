import type { Sql } from "../db/connect.ts";
import { noteActs, type Actor } from "./acts.ts";

export type Retried = {
  /** Of the dead task. */
  dead_task_id: string;
  /** Of the new one; null when the dead task stays: its unique key is owed again already, by this call or before, or somebody else was faster. */
  task_id: string | null;
};

/** At once: a statement over all of a big heap would hold its locks for long. */
export const mostRetried = 10_000;

/** Owes dead tasks again, one by its id or the latest 10,000 of a type, each as a new task with a new identity and all its attempts. */
export function retryDead(sql: Sql, which: { task_id: string } | { task_type: string }, actor: Actor) {
  const chosen = "task_id" in which ? sql`task_id = ${which.task_id}` : sql`task_type = ${which.task_type}`;
  return sql<Retried[]>`
    with dead as materialized (
      select *, row_number() over (partition by task_type, unique_key order by died_at desc, task_id desc) as nth
      from (
        select *
        from task_dead
        where ${chosen}
        order by died_at desc, task_id desc
        limit ${mostRetried}
      ) as latest
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
    ), noted as (${"task_id" in which ? noteOne(sql, actor) : noteAll(sql, actor)})
    select dead.task_id as dead_task_id, gone.new_task_id as task_id
    from dead
    left join gone using (task_id)
    order by dead.task_id
  `;
}

/** One dead task by its id; returns nothing when it stays as it is. */
export async function retryOne(sql: Sql, taskId: string, actor: Actor): Promise<Retried[]> {
  return (await retryDead(sql, { task_id: taskId }, actor)).filter(({ task_id }) => task_id !== null);
}

const noteOne = (sql: Sql, actor: Actor) =>
  noteActs(sql, "retry", actor, "gone", sql`jsonb_build_object('new_task_id', new_task_id::text)`);

/** One event, however many there were: whoever follows the feed would drown. */
const noteAll = (sql: Sql, actor: Actor) => sql`
  insert into event (event_type, usr_id, data)
  select
    'OPERATOR_ACTED', ${actor}::bigint,
    jsonb_build_object('what', 'retry', 'task_type', task_type, 'tasks', count(*))
  from gone
  group by task_type
`;
