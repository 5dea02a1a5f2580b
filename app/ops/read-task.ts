import type { Sql } from "../db/connect.ts";

export type OneTask = {
  task_id: string;
  task_type: string;
  params: unknown;
  priority: number;
  attempt: number;
  unique_key: string | null;
  created_at: Date;
  run_at: Date | null;
  is_due: boolean;
  /** Who holds it, as host and process. */
  worker: string | null;
  died_at: Date | null;
  reason: string | null;
};

export type History = {
  attempts: { attempt: number; error: string; failed_at: string }[];
  acts: { what: string; who: string | null; new_task_id: string | null; acted_at: string }[];
};

/** A task, open or dead. */
export async function readTask(sql: Sql, taskId: string): Promise<OneTask | undefined> {
  const [task] = await sql<OneTask[]>`
    select
      task_id, task_type, params, priority, attempt, unique_key, created_at, run_at, run_at <= now() as is_due,
      case when worker_id is not null then coalesce(
        (select host || ', process ' || pid from worker where worker.worker_id = task.worker_id), 'a worker that is gone'
      ) end as worker,
      null::timestamptz as died_at, null as reason
    from task
    where task_id = ${taskId}
    union all
    select
      task_id, task_type, params, priority, attempt, unique_key, created_at, null, false, null, died_at, reason
    from task_dead
    where task_id = ${taskId}
  `;
  return task;
}

/** Its failed attempts, and what operators did to it: that stays for a while when the task is gone. */
export async function readHistory(sql: Sql, taskId: string): Promise<History> {
  const [history] = await sql<History[]>`
    select
      (
        select coalesce(json_agg(json_build_object(
          'attempt', attempt, 'error', error, 'failed_at', failed_at
        ) order by attempt), '[]')
        from task_error
        where task_id = ${taskId}
      ) as attempts,
      (
        select coalesce(json_agg(json_build_object(
          'what', data ->> 'what', 'who', email, 'new_task_id', data ->> 'new_task_id', 'acted_at', event.created_at
        ) order by event_id), '[]')
        from event
        left join usr using (usr_id)
        where event_type = 'OPERATOR_ACTED' and data ->> 'task_id' = ${taskId}
      ) as acts
  `;
  return history!;
}
