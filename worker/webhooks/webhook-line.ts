import type { Sql } from "../../app/db/connect.ts";
import { untilFewer } from "./until-fewer.ts";

const batch = 5000;
const leastMilliseconds = 1000;
const mostMilliseconds = 30_000;

/**
 * Puts all that is due to an endpoint off at once: one by one, it would stand in the way of the others. One run at a time, and a second
 * between two. Nobody waits for it.
 */
export function createClearWay(sql: Sql) {
  /** When the last run ended, infinite while one is under way. */
  const cleared = new Map<string, number>();

  return (webhookId: string): void => {
    if (performance.now() - (cleared.get(webhookId) ?? -Infinity) < leastMilliseconds) return;
    cleared.set(webhookId, Infinity);
    untilFewer(batch, AbortSignal.timeout(mostMilliseconds), async () => putOffDue(sql, webhookId))
      // What is left is put off by itself, and tries again.
      .catch(() => {})
      .finally(() => cleared.set(webhookId, performance.now()));
  };
}

/** Each gets its own place at the end of the line, as far apart as the endpoint's rate allows. */
function putOffDue(sql: Sql, webhookId: string) {
  return sql`
    with endpoint as materialized (
      select
        webhook_id, pause_until, make_interval(secs => 1 / per_second) as step,
        greatest(line_at, pause_until, now() + interval '1 second') as place
      from webhook
      where webhook_id = ${webhookId}
      for no key update
    ), due as materialized (
      select task_id, row_number() over (order by run_at, task_id) - 1 as number
      from (
        select task_id, run_at
        from task
        where task_type = 'POST_WEBHOOK' and params ->> 'webhook_id' = ${webhookId}
          and run_at <= now() and worker_id is null
          -- What is too old for a pause is left to die.
          and (created_at > now() - interval '3 days' or not exists (select from endpoint where pause_until > now()))
        order by run_at, task_id
        limit ${batch}
        for no key update skip locked
      ) as free
    ), moved as (
      update webhook
      set line_at = place + step * (select count(*) from due)
      from endpoint
      where webhook.webhook_id = endpoint.webhook_id
        and exists (select from due)
    )
    update task
    set run_at = place + step * number
    from due
    cross join endpoint
    where task.task_id = due.task_id
  `;
}
