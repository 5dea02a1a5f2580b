import type { Sql } from "../db/connect.ts";

/** Attempts since ever that took at most `le` seconds; with +Inf all of them, and the seconds that they took together. */
type Bucket = { task_type: string; outcome: string; le: string; attempts: number; seconds: number };

/** The bounds are those that workers have counted by: they are chosen in the worker alone. */
export function sumAttempts(sql: Sql) {
  return sql<Bucket[]>`
    with bound as (
      select up_to_seconds as le
      from attempt_statistics
      where minute = '-infinity'
      union
      select 'infinity'
    )
    select
      task_type, case when is_failure then 'failed' else 'done' end as outcome,
      case when bound.le = 'infinity' then '+Inf' else bound.le::text end as le,
      coalesce(sum(attempts) filter (where up_to_seconds <= bound.le), 0)::float8 as attempts, sum(seconds) as seconds
    from attempt_statistics
    cross join bound
    where minute = '-infinity'
    group by task_type, is_failure, bound.le
    order by task_type, outcome, bound.le
  `;
}

/** The processes' connections to the database, by their pools and what they do. */
export function listConnections(sql: Sql) {
  return sql<{ application: string; state: string; connections: number }[]>`
    select application_name as application, coalesce(state, 'unknown') as state, count(*)::int as connections
    from pg_stat_activity
    where datname = current_database() and application_name like 'slim-signup %'
    group by application_name, state
    order by application_name, state
  `;
}
