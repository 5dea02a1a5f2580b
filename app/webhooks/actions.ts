import type { Sql } from "../db/connect.ts";
import { logChange, type Actor, type Changed } from "./log-change.ts";
import type { WebhookFields } from "./webhook-fields.ts";

// The actions on endpoints. Each is one statement that also writes the audit log, and returns the endpoint if it has
// changed something. A repeat does nothing, except that each rotation makes a new secret.

/** Registers an endpoint. `is_this` is false when an endpoint with another URL has the secret already. */
export async function register(sql: Sql, fields: WebhookFields, secret: string, actor: Actor) {
  const { url, event_types, per_second } = fields;
  const [endpoint] = await sql<{ webhook_id: string; is_this: boolean }[]>`
    with changed as (
      insert into webhook (url, secret, event_types, per_second)
      values (${url}, ${secret}, ${event_types}, ${per_second})
      -- "do nothing" would return no row when two registrations race; this returns the existing one.
      on conflict (secret) do update set secret = excluded.secret
      returning webhook_id, url = ${url} as is_this, xmax = 0 as is_new
    ), logged as (${logChange(sql, "register", actor, sql`changed where is_new`)})
    select webhook_id, is_this
    from changed
  `;
  return endpoint!;
}

/** An endpoint has at most this many old secrets: the header of a message holds a signature by each. */
const mostOldSecrets = 4;

/** Gives an endpoint another secret. For a day after the last rotation, the old ones sign, too. */
export function rotate(sql: Sql, webhookId: string, secret: string, actor: Actor) {
  return sql<{ webhook_id: string; url: string; old_secrets_expire_at: Date }[]>`
    with changed as (
      update webhook
      set
        secret = ${secret},
        old_secrets = (
          array[secret] || case when old_secrets_expire_at > now() then old_secrets else '{}' end
        )[1:${mostOldSecrets}],
        old_secrets_expire_at = now() + interval '1 day'
      where webhook_id = ${webhookId}
      returning webhook_id, url, old_secrets_expire_at
    ), logged as (${logChange(sql, "rotate", actor)})
    select webhook_id, url, old_secrets_expire_at
    from changed
  `;
}

/** Disables an endpoint: nothing more is enqueued for it, and its pending tasks die when they run. */
export function disable(sql: Sql, webhookId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      insert into webhook_disabled (webhook_id, reason)
      select webhook_id, 'Disabled by hand.'
      from webhook
      where webhook_id = ${webhookId}
      on conflict do nothing
      returning webhook_id
    ), logged as (${logChange(sql, "disable", actor)})
    select webhook_id from changed
  `;
}

/**
 * Enqueues one test event for an endpoint, or makes the pending one due. A disabled endpoint gets none: the task would
 * die.
 */
export function test(sql: Sql, webhookId: string, actor: Actor) {
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
        and not exists (select from webhook_disabled where webhook_disabled.webhook_id = webhook.webhook_id)
      on conflict (task_type, unique_key) where unique_key is not null
        do update set run_at = now() where task.run_at > now() and task.worker_id is null
      returning params ->> 'webhook_id' as webhook_id
    ), logged as (${logChange(sql, "test", actor)})
    select webhook_id from changed
  `;
}

/** Deletes an endpoint with its secrets. Its pending tasks are dropped when they run. */
export function remove(sql: Sql, webhookId: string, actor: Actor) {
  return sql<Changed[]>`
    with changed as (
      delete from webhook
      where webhook_id = ${webhookId}
      returning webhook_id
    ), logged as (${logChange(sql, "delete", actor)})
    select webhook_id from changed
  `;
}
