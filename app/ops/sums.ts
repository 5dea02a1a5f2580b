import type { Sql } from "../db.ts";

/** Attempts since ever that took at most `le` seconds; with +Inf all of them, and the seconds that they took together. */
type Bucket = { task_type: string; outcome: string; le: string; attempts: number; seconds: number };

/** Those of the worker; whatever it counts by, each attempt is in those above its own. */
const bounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, Infinity];

export function sumAttempts(sql: Sql) {
  return sql<Bucket[]>`
    select
      task_type, case when is_failure then 'failed' else 'done' end as outcome,
      case when le = 'infinity' then '+Inf' else le::text end as le,
      coalesce(sum(attempts) filter (where up_to_seconds <= le), 0)::float8 as attempts, sum(seconds) as seconds
    from attempt_tally
    cross join unnest(${bounds}::real[]) as le
    where minute = '-infinity'
    group by task_type, is_failure, le.le
    order by task_type, outcome, le.le
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
