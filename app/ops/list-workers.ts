import type { Sql } from "../db/connect.ts";
import { mostCounted } from "./count-tasks.ts";

type Worker = {
  worker_id: string;
  host: string;
  pid: number;
  seen_seconds_ago: number;
  /** Seen within a lease. Who is not is gone, and its row stays until another worker says so. */
  is_alive: boolean;
  started_at: Date;
  /** The longest turn of its event loop between its last two heartbeats; null of an older release. */
  event_loop_delay_milliseconds: number | null;
  /** What it has handlers for; null of an older release. */
  task_types: string[] | null;
  /** How many tasks it runs, by type. */
  running: Record<string, number>;
  breakers: Breaker[];
};

export type Breaker = { task_type: string; error: string; seconds_left: number };

/** The workers, those that are gone without a word included: last heartbeat, turn of the loop, what each runs, and the breakers that are open. */
export function listWorkers(sql: Sql) {
  return sql<Worker[]>`
    with recursive lane as (
      (select task_type, priority from task order by task_type, priority limit 1)
      union all
      select next.task_type, next.priority
      from lane
      cross join lateral (
        select task_type, priority
        from task
        where (task.task_type, task.priority) > (lane.task_type, lane.priority)
        order by task_type, priority
        limit 1
      ) as next
    ), running as materialized (
      select worker_id, task_type, count(*) as tasks
      from lane
      cross join lateral (
        select worker_id
        from task
        where task.task_type = lane.task_type and task.priority = lane.priority and run_at <= now()
        -- Running tasks stand in front of the due ones.
        order by run_at
        limit ${mostCounted + 1}
      ) as task
      where worker_id is not null
      group by worker_id, task_type
    )
    select
      worker_id, host, pid, started_at, event_loop_delay_milliseconds, task_types,
      extract(epoch from now() - seen_at)::float8 as seen_seconds_ago,
      seen_at + make_interval(secs => lease_seconds) > now() and expired_at is null as is_alive,
      (
        select coalesce(json_object_agg(task_type, tasks order by task_type), '{}')
        from running
        where running.worker_id = worker.worker_id
      ) as running,
      (
        select coalesce(json_agg(json_build_object(
          'task_type', task_type, 'error', error,
          'seconds_left', greatest(0, extract(epoch from open_until - now()))
        ) order by task_type), '[]')
        from breaker
        where breaker.worker_id = worker.worker_id
      ) as breakers
    from worker
    order by started_at, worker_id
  `;
}
