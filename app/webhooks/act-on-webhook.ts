import type { Sql } from "../db/connect.ts";
import type { WebhookFields } from "./webhook-form.ts";
import { eventTypes } from "./webhook-form.ts";

type Changed = { webhook_id: string };

/** Registers an endpoint, unless one has the secret already: then that is returned. */
export async function register(sql: Sql, fields: WebhookFields, operator: string): Promise<{ is_this: boolean }> {
  const { url, secret, event_types, per_second } = fields;
  const [there] = await sql<{ is_this: boolean }[]>`
    with changed as (
      insert into webhook (url, secret, event_types, per_second)
      values (${url}, ${secret}, ${eventTypes(event_types)}, ${Number(per_second)})
      -- Locks and returns the row that is there, in a race too.
      on conflict (secret) do update set secret = excluded.secret
      returning webhook_id, url = ${url} as is_this, xmax = 0 as is_new
    ), noted as (
      ${noteAct(sql, "register webhook", operator, sql`changed where is_new`)}
    )
    select is_this
    from changed
  `;
  return there!;
}

/** Nothing more is owed to it, and what is owed already is dead when its time comes. */
export function disable(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with changed as (
      insert into webhook_disabled (webhook_id, reason)
      select webhook_id, 'Disabled by an operator.'
      from webhook
      where webhook_id = ${webhookId}
      on conflict do nothing
      returning webhook_id
    ), noted as (
      ${noteAct(sql, "disable webhook", operator)}
    )
    select webhook_id from changed
  `;
}

const mostDue = 10_000;

/** It is asked again at once, whatever it has said or done before, and what was put off is due again, as fast as its rate allows. */
export function enable(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with enabled as (
      delete from webhook_disabled
      where webhook_id = ${webhookId}
      returning webhook_id
    ), later as materialized (
      select task_id, row_number() over (order by run_at, task_id) - 1 as number
      from (
        select task_id, run_at
        from task
        where task_type = 'POST_WEBHOOK' and params ->> 'webhook_id' = ${webhookId}
          and run_at > now() and worker_id is null
        order by run_at, task_id
        limit ${mostDue}
        for no key update skip locked
      ) as free
    ), changed as (
      update webhook
      set
        failures = 0, pause_until = null, last_error = null,
        line_at = now() + make_interval(secs => (select count(*) from later) / per_second)
      where webhook_id = ${webhookId}
        and (failures > 0 or pause_until > now() or exists (select from enabled))
      returning webhook_id, per_second
    ), due as (
      update task
      set run_at = least(run_at, now() + make_interval(secs => number / per_second))
      from later
      cross join changed
      where task.task_id = later.task_id
    ), noted as (
      ${noteAct(sql, "enable webhook", operator)}
    )
    select webhook_id from changed
  `;
}

/** Owes it one message that says nothing; not a second one while the first is open. */
export function test(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with owed as (
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
    ), changed as (
      select webhook_id from owed
    ), noted as (
      ${noteAct(sql, "test webhook", operator)}
    )
    select webhook_id from changed
  `;
}

/** Forgets it with its secret; what is owed to it is done without a word. */
export function remove(sql: Sql, webhookId: string, operator: string) {
  return sql<Changed[]>`
    with changed as (
      delete from webhook
      where webhook_id = ${webhookId}
      returning webhook_id
    ), noted as (
      ${noteAct(sql, "delete webhook", operator)}
    )
    select webhook_id from changed
  `;
}

/** The body of a CTE that writes down what an operator did to the endpoint in `changed`. */
const noteAct = (sql: Sql, what: string, operator: string, changed = sql`changed`) => sql`
  insert into event (event_type, usr_id, data)
  select
    'OPERATOR_ACTED', ${operator}::bigint,
    jsonb_build_object('what', ${what}::text, 'webhook_id', webhook_id::text)
  from ${changed}
`;
