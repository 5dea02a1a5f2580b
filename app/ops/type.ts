import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted } from "../http/responses.ts";
import { retryDead } from "./actions.ts";
import { mostCounted, states, type State } from "./count-tasks.ts";
import * as format from "./format.ts";
import { readOverview } from "./read-overview.ts";

const mostListed = 20;

const notices = new Map([
  ["retried", "The dead tasks are enqueued again, as new tasks. At most 10,000 are retried at a time."],
  ["nothing", "Nothing changed. No task is dead, or a task with the same unique key is pending."],
]);

/** One type: its figures, and the first tasks of each state. */
export function showType(sql: Sql): Middleware {
  return async (ctx) => {
    const type = format.param(ctx, "type");
    const [overview, ...lists] = await Promise.all([
      readOverview(sql),
      ...states.map(async (state) => ({ state, tasks: [...(await listTasks(sql, type, state, mostListed))] })),
    ]);
    const figures = overview.types.find(({ task_type }) => task_type === type);
    await page(ctx, "ops/type", { title: type, type, figures, lists, format, notice: notices.get(ctx.querystring) });
  };
}

/** Retries the dead tasks of a type, 10,000 at a time. */
export function retryType(sql: Sql): Middleware {
  return async (ctx) => {
    const type = format.param(ctx, "type");
    const retried = await retryDead(sql, { task_type: type }, ctx.state.user.usr_id);
    const isChanged = retried.some(({ task_id }) => task_id);
    accepted(ctx, `${format.typePath(type)}?${isChanged ? "retried" : "nothing"}`);
  };
}

type ListedTask = {
  task_id: string;
  task_type: string;
  priority: number;
  attempt: number;
  /** When it runs next, ran last, or died. */
  at: Date;
  /** The worker that runs it. */
  worker_id: string | null;
  /** Of its last failed attempt, or why it is dead. */
  error: string | null;
};

/** The first tasks of a type in a state: those that run next, or died last. */
export function listTasks(sql: Sql, type: string, state: State, limit: number) {
  if (state === "dead") return listDead(sql, type, limit);
  const order = sql`case when ${state}::text = 'due' then task.priority end, task.run_at, task.task_id`;
  return sql<ListedTask[]>`
    with listed as materialized (
      select task.*
      from (select priority from lane where task_type = ${type}) as lane
      cross join lateral (${firstOfLane(sql, type, state, limit)}) as task
      order by ${order}
      limit ${limit}
    )
    select
      task_id, task_type, priority, attempt, run_at as at, worker_id,
      (select error from task_error where task_error.task_id = task.task_id order by attempt desc limit 1) as error
    from listed as task
    order by ${order}
  `;
}

function listDead(sql: Sql, type: string, limit: number) {
  return sql<ListedTask[]>`
    select task_id, task_type, priority, attempt, died_at as at, null as worker_id, reason as error
    from task_dead
    where task_type = ${type}
    order by died_at desc, task_id desc
    limit ${limit}
  `;
}

function firstOfLane(sql: Sql, type: string, state: Exclude<State, "dead">, limit: number) {
  // Only the 10,000 tasks nearest to now on either side are searched.
  const first = (when: PendingQuery<Row[]>, which: PendingQuery<Row[]>) => sql`
    select task_id, task_type, priority, attempt, run_at, worker_id
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
  `;
  const [due, later] = [sql`run_at <= now()`, sql`run_at > now()`];
  switch (state) {
    case "due":
      return first(due, sql`worker_id is null`);
    case "running":
      return first(due, sql`worker_id is not null`);
    case "scheduled":
      return first(later, sql`true`);
    case "retrying":
      return sql`(${first(due, sql`worker_id is null and attempt > 0`)}) union all (${first(later, sql`attempt > 0`)})`;
  }
}
