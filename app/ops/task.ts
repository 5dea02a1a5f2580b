import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted } from "../http/responses.ts";
import { bury, cancel, retryOne, runNow, type Actor } from "./actions.ts";
import * as format from "./format.ts";

/** A text that the database accepts as a `task_id`. */
export const taskId = z.string().regex(/^\d{1,18}$/);

const notices = new Map([
  ["done", "Done."],
  ["nothing", "Nothing changed. Another operator or a worker was faster, or it was done before."],
]);

/** One task: its params, its attempts, what operators did, and what they may do. */
export function showTask(sql: Sql): Middleware {
  return async (ctx) => {
    const { data } = taskId.safeParse(format.param(ctx, "id"));
    if (data === undefined) return ctx.throw(404);

    const [task, history] = await Promise.all([readTask(sql, data), readHistory(sql, data)]);
    const isKnown = task ?? history.attempts.length + history.actions.length > 0;
    if (!isKnown) ctx.throw(404);
    const notice = notices.get(ctx.querystring);
    await page(ctx, "ops/task", { title: `Task ${data}`, id: data, task, ...history, notice, format });
  };
}

type Action = (sql: Sql, taskId: string, actor: Actor) => PromiseLike<unknown[]>;

const actions = new Map<string, Action>([
  ["run", runNow],
  ["retry", retryOne],
  ["cancel", cancel],
  ["bury", bury],
]);

/** Runs the action of a button on a task, once. The task's page then shows the result. */
export function actOnTask(sql: Sql): Middleware {
  return async (ctx) => {
    const act = actions.get(format.param(ctx, "action"));
    const { data } = taskId.safeParse(format.param(ctx, "id"));
    if (!act || data === undefined) return ctx.throw(404);

    const changed = await act(sql, data, ctx.state.user.usr_id);
    accepted(ctx, `/ops/tasks/${data}?${changed.length > 0 ? "done" : "nothing"}`);
  };
}

type Task = {
  task_id: string;
  task_type: string;
  params: unknown;
  priority: number;
  attempt: number;
  unique_key: string | null;
  created_at: Date;
  run_at: Date | null;
  is_due: boolean;
  /** The worker that runs it, as host and process. */
  worker: string | null;
  died_at: Date | null;
  reason: string | null;
};

/** A task, pending or dead. */
export async function readTask(sql: Sql, taskId: string): Promise<Task | undefined> {
  const [task] = await sql<Task[]>`
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

type History = {
  attempts: { attempt: number; error: string; failed_at: string }[];
  actions: { what: string; who: string | null; new_task_id: string | null; acted_at: string }[];
};

/** A task's failed attempts, and the audit log about it. Both outlive the task for a while. */
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
      ) as actions
  `;
  return history!;
}
