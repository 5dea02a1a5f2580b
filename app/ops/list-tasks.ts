import type { Sql } from "../db/connect.ts";
import { mostCounted, type State } from "./count-tasks.ts";

export type ListedTask = {
  task_id: string;
  task_type: string;
  priority: number;
  attempt: number;
  /** When it is or was to run, or has died. */
  at: Date;
  /** Who runs it. */
  worker_id: string | null;
  /** Of its last failed attempt, or why it is dead. */
  error: string | null;
};

/** The first tasks of a type in a state: those that come next, or died last. */
export function listTasks(sql: Sql, type: string, state: State, limit: number) {
  return sql<ListedTask[]>`
    with recursive ${lanes(sql, type)}, listed as materialized (${rows[state](sql, type, limit)})
    select
      task_id, task_type, priority, attempt, at, worker_id,
      coalesce(
        reason,
        (select error from task_error where task_error.task_id = listed.task_id order by attempt desc limit 1)
      ) as error
    from listed
    order by ${order[state](sql)}
  `;
}

/** Within a lane, times are in order; across lanes they are not, so that each is asked for itself. */
const lanes = (sql: Sql, type: string) => sql`
  lane as (
    select min(priority) as priority
    from task
    where task_type = ${type}
    union all
    select (
      select min(priority)
      from task
      where task_type = ${type} and task.priority > lane.priority
    )
    from lane
    where priority is not null
  )
`;

const columns = (sql: Sql) => sql`task_id, task_type, priority, attempt, run_at as at, worker_id, null as reason`;

/** The first tasks of each lane that fit, among its first 10,000 at that time. */
const inLanes = (sql: Sql, type: string, when: ReturnType<Sql>, which: ReturnType<Sql>, limit: number) => sql`
  select task.*
  from lane
  cross join lateral (
    select ${columns(sql)}
    from (
      select *
      from task
      where task_type = ${type} and task.priority = lane.priority and ${when}
      order by run_at, task_id
      limit ${mostCounted}
    ) as task
    where ${which}
    order by run_at, task_id
    limit ${limit}
  ) as task
`;

const rows: Record<State, (sql: Sql, type: string, limit: number) => ReturnType<Sql>> = {
  due: (sql, type, limit) => sql`
    select * from (${inLanes(sql, type, sql`run_at <= now()`, sql`worker_id is null`, limit)}) as due order by priority, at, task_id limit ${limit}
  `,
  scheduled: (sql, type, limit) => sql`
    select * from (${inLanes(sql, type, sql`run_at > now()`, sql`true`, limit)}) as scheduled order by at, task_id limit ${limit}
  `,
  running: (sql, type, limit) => sql`
    select * from (${inLanes(sql, type, sql`run_at <= now()`, sql`worker_id is not null`, limit)}) as running order by task_id limit ${limit}
  `,
  retrying: (sql, type, limit) => sql`
    select * from (
      ${inLanes(sql, type, sql`run_at <= now()`, sql`worker_id is null and attempt > 0`, limit)}
      union all
      ${inLanes(sql, type, sql`run_at > now()`, sql`attempt > 0`, limit)}
    ) as retrying
    order by at
    limit ${limit}
  `,
  dead: (sql, type, limit) => sql`
    select task_id, task_type, priority, attempt, died_at as at, null::uuid as worker_id, reason
    from task_dead
    where task_type = ${type}
    order by died_at desc
    limit ${limit}
  `,
};

const order: Record<State, (sql: Sql) => ReturnType<Sql>> = {
  due: (sql) => sql`priority, at, task_id`,
  scheduled: (sql) => sql`at, task_id`,
  running: (sql) => sql`task_id`,
  retrying: (sql) => sql`at, task_id`,
  dead: (sql) => sql`at desc, task_id desc`,
};
