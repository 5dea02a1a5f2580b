import type { Consumer } from "../events/consume.ts";

/**
 * Enqueues one task for each event and each endpoint that wants it. The tasks of an endpoint are due as far apart as
 * its rate allows, so a long queue occupies no slots. The TASK_DEAD of a delivery is not delivered: it would fail at
 * the same receiver again and again. Nor is WEBHOOK_CHANGED: a receiver would learn of other endpoints.
 */
export const enqueueWebhooks: Consumer = {
  name: "webhooks",
  consume: (tx, events) => {
    const messages = events.map(({ event_type, usr_id, data, created_at }) => ({
      type: event_type,
      timestamp: created_at.toISOString(),
      data: usr_id === null ? data : { usr_id, ...data },
    }));
    return tx`
      with new_event as (
        select *
        from unnest(
          ${events.map(({ event_id }) => event_id)}::bigint[],
          ${messages.map(({ type }) => type)}::text[],
          ${messages.map((message) => JSON.stringify(message))}::text[]::jsonb[]
        ) with ordinality as event (event_id, event_type, message, number)
        where event_type <> 'WEBHOOK_CHANGED'
          and not (event_type = 'TASK_DEAD' and message -> 'data' ->> 'task_type' = 'POST_WEBHOOK')
      ), wanted as (
        select
          webhook_id, event_id, message,
          row_number() over (partition by webhook_id order by number) - 1 as place
        from webhook
        join new_event on event_types = '{}' or event_type = any(event_types)
        where not exists (select from webhook_disabled where webhook_disabled.webhook_id = webhook.webhook_id)
      ), line as (
        update webhook
        set line_at = greatest(line_at, pause_until, now()) + make_interval(secs => total / per_second)
        from (select webhook_id, count(*) as total from wanted group by webhook_id) as addition
        where webhook.webhook_id = addition.webhook_id
        returning webhook.webhook_id, per_second, line_at - make_interval(secs => total / per_second) as starts_at
      )
      insert into task (task_type, params, run_at)
      select
        'POST_WEBHOOK',
        message || jsonb_build_object('webhook_id', webhook_id::text, 'message_id', 'msg_' || event_id || '_' || webhook_id),
        starts_at + make_interval(secs => place / per_second)
      from wanted
      join line using (webhook_id)
    `;
  },
};
