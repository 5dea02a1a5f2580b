import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";
import { logChange, type Actor, type Changed } from "./log-change.ts";
import type { WebhookFields } from "./webhook-fields.ts";

// The actions that forget failures and pauses. Waiting deliveries become due, spaced by the rate.

/**
 * Changes an endpoint. Failures and pauses are forgotten: it may be another receiver, or have another rate. One that is
 * disabled stays so, and its deliveries wait: due ones would die.
 */
export function edit(sql: Sql, webhookId: string, { url, event_types, per_second }: WebhookFields, actor: Actor) {
  return sql<Changed[]>`
    with waiting as materialized (${lockWaiting(sql, webhookId, isEnabled(sql, webhookId))}),
    changed as (
      update webhook
      set
        url = ${url}, event_types = ${event_types}, per_second = ${per_second},
        failures = 0, pause_until = null, last_error = null, next_at = now(),
        line_at = now() + make_interval(secs => (select count(*) from waiting) / ${per_second}::real)
      where webhook_id = ${webhookId}
        and (url, event_types, per_second) is distinct from (${url}, ${event_types}::text[], ${per_second}::real)
      returning webhook_id, per_second
    ), due as (${makeDue(sql)}), logged as (${logChange(sql, "edit", actor)})
    select webhook_id from changed
  `;
}

/** Enables an endpoint, and makes its waiting deliveries due, spaced by its rate. */
export function enable(sql: Sql, webhookId: string, actor: Actor) {
  return sql<Changed[]>`
    with enabled as (
      delete from webhook_disabled
      where webhook_id = ${webhookId}
      returning webhook_id
    ), waiting as materialized (${lockWaiting(sql, webhookId)}),
    changed as (
      update webhook
      set
        failures = 0, pause_until = null, last_error = null,
        line_at = now() + make_interval(secs => (select count(*) from waiting) / per_second)
      where webhook_id = ${webhookId}
        and (failures > 0 or pause_until > now() or exists (select from enabled))
      returning webhook_id, per_second
    ), due as (${makeDue(sql)}), logged as (${logChange(sql, "enable", actor)})
    select webhook_id from changed
  `;
}

const isEnabled = (sql: Sql, webhookId: string) => sql`
  not exists (select from webhook_disabled where webhook_disabled.webhook_id = ${webhookId})
`;

const mostDue = 10_000;

/** The body of a CTE: locks an endpoint's deliveries that are not due, and numbers them in their order. */
const lockWaiting = (sql: Sql, webhookId: string, condition: PendingQuery<Row[]> = sql`true`) => sql`
  select task_id, row_number() over (order by run_at, task_id) - 1 as number
  from (
    select task_id, run_at
    from task
    where task_type = 'POST_WEBHOOK' and params ->> 'webhook_id' = ${webhookId}
      and run_at > now() and worker_id is null and ${condition}
    order by run_at, task_id
    limit ${mostDue}
    for no key update skip locked
  ) as unlocked
`;

/** The body of a CTE: makes the rows of `waiting` due as far apart as the rate of the endpoint in `changed` allows. */
const makeDue = (sql: Sql) => sql`
  update task
  set run_at = least(run_at, now() + make_interval(secs => number / per_second))
  from waiting
  cross join changed
  where task.task_id = waiting.task_id
`;
