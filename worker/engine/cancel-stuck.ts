import type { Sql } from "../../app/db.ts";

/**
 * Cancels statements of workers that wait for a lock for too long. Otherwise the worker gives up the silent connection (after
 * 20 s, or 30 s for handlers) and opens another one, but the backend stays until it gets the lock: connections run out.
 */
export const cancelStuck = (sql: Sql) => sql`
  select pg_cancel_backend(pid)
  from pg_stat_activity
  where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
    and application_name like 'slim-signup worker%' and wait_event_type = 'Lock'
    and query_start < now() - make_interval(secs => case when application_name like '%tasks' then 20 else 10 end)
`;
