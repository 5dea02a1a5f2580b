import type { Sql } from "../../app/db/connect.ts";
import { untilFewer } from "../tasks/until-fewer.ts";

const batch = 5000;
const pauseMilliseconds = 1000;
const longestMilliseconds = 30_000;

/**
 * Snoozes all due deliveries to an endpoint at once: one by one, they would take the slots of other tasks. Works in
 * the background, in one run at a time for each endpoint, with a second between two runs.
 */
export function createSnoozeDue(sql: Sql) {
  /** When the last run of an endpoint ended; infinite during a run. */
  const ended = new Map<string, number>();

  return (webhookId: string): void => {
    if (performance.now() - (ended.get(webhookId) ?? -Infinity) < pauseMilliseconds) return;
    ended.set(webhookId, Infinity);
    untilFewer(batch, AbortSignal.timeout(longestMilliseconds), async () => snoozeBatch(sql, webhookId))
      // The remaining deliveries snooze themselves, and start another run.
      .catch(() => {})
      .finally(() => ended.set(webhookId, performance.now()));
  };
}

/** Makes the deliveries due one after another, as far apart as the endpoint's rate allows. */
function snoozeBatch(sql: Sql, webhookId: string) {
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
          -- A delivery that is too old to be snoozed runs, and dies.
          and (created_at > now() - interval '3 days' or not exists (select from endpoint where pause_until > now()))
        order by run_at, task_id
        limit ${batch}
        for no key update skip locked
      ) as unlocked
    ), moved as (
      update webhook
      set line_at = place + step * (select count(*) from due)
      from endpoint
      where webhook.webhook_id = endpoint.webhook_id and exists (select from due)
    )
    update task
    set run_at = place + step * number
    from due
    cross join endpoint
    where task.task_id = due.task_id
  `;
}
