import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";
import { logAction } from "../ops/actions.ts";
import { eventTypes, type WebhookFields } from "./webhook-form.ts";

// The actions of operators on endpoints. Each is one statement that also writes the audit log. A repeat does nothing.

type Changed = { webhook_id: string };

/** Registers an endpoint. `is_this` is false when an endpoint with another URL has the secret already. */
export async function register(sql: Sql, fields: WebhookFields, operator: string): Promise<{ is_this: boolean }> {
  const { url, secret, event_types, per_second } = fields;
  const [endpoint] = await sql<{ is_this: boolean }[]>`
    with changed as (
      insert into webhook (url, secret, event_types, per_second)
      values (${url}, ${secret}, ${eventTypes(event_types)}, ${Number(per_second)})
      -- "do nothing" would return no row when two registrations race; this returns the existing one.
      on conflict (secret) do update set secret = excluded.secret
      returning webhook_id, url = ${url} as is_this, xmax = 0 as is_new
    ), logged as (${log(sql, "register webhook", operator, sql`changed where is_new`)})
    select is_this
    from changed
  `;
  return endpoint!;
}

/** Disables an endpoint: nothing more is enqueued for it, and its pending tasks die when they run. */
export function disable(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with changed as (
      insert into webhook_disabled (webhook_id, reason)
      select webhook_id, 'Disabled by an operator.'
      from webhook
      where webhook_id = ${webhookId}
      on conflict do nothing
      returning webhook_id
    ), logged as (${log(sql, "disable webhook", operator)})
    select webhook_id from changed
  `;
}

const mostDue = 10_000;

/** Enables an endpoint at once, and makes its snoozed deliveries due, as fast as its rate allows. */
export function enable(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with enabled as (
      delete from webhook_disabled
      where webhook_id = ${webhookId}
      returning webhook_id
    ), snoozed as materialized (
      select task_id, row_number() over (order by run_at, task_id) - 1 as number
      from (
        select task_id, run_at
        from task
        where task_type = 'POST_WEBHOOK' and params ->> 'webhook_id' = ${webhookId}
          and run_at > now() and worker_id is null
        order by run_at, task_id
        limit ${mostDue}
        for no key update skip locked
      ) as unlocked
    ), changed as (
      update webhook
      set
        failures = 0, pause_until = null, last_error = null,
        line_at = now() + make_interval(secs => (select count(*) from snoozed) / per_second)
      where webhook_id = ${webhookId}
        and (failures > 0 or pause_until > now() or exists (select from enabled))
      returning webhook_id, per_second
    ), due as (
      update task
      set run_at = least(run_at, now() + make_interval(secs => number / per_second))
      from snoozed
      cross join changed
      where task.task_id = snoozed.task_id
    ), logged as (${log(sql, "enable webhook", operator)})
    select webhook_id from changed
  `;
}

/** Enqueues one test event for an endpoint, unless one is pending. */
export function test(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with changed as (
      insert into task (task_type, unique_key, params)
      select
        'POST_WEBHOOK', 'test ' || webhook_id,
        jsonb_build_object(
          'webhook_id', webhook_id::text, 'message_id', 'msg_test_' || gen_random_uuid(),
          'type', 'TEST', 'timestamp', now(), 'data', '{}'::jsonb
        )
      from webhook
      where webhook_id = ${webhookId}
      on conflict (task_type, unique_key) where unique_key is not null do nothing
      returning params ->> 'webhook_id' as webhook_id
    ), logged as (${log(sql, "test webhook", operator)})
    select webhook_id from changed
  `;
}

/** Deletes an endpoint with its secret. Its pending tasks are dropped when they run. */
export function remove(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with changed as (
      delete from webhook
      where webhook_id = ${webhookId}
      returning webhook_id
    ), logged as (${log(sql, "delete webhook", operator)})
    select webhook_id from changed
  `;
}

const log = (sql: Sql, what: string, operator: string, rows: PendingQuery<Row[]> = sql`changed`) =>
  logAction(sql, what, operator, sql`jsonb_build_object('webhook_id', webhook_id::text)`, rows);
