import type { Sql } from "../../app/db/connect.ts";

/** After this many failures in a row, over all workers, a receiver is down, and one request at a time probes it. */
const failuresUntilDown = 3;
const longestPauseSeconds = 300;
/** How long the others wait for a probe. Longer than a request may take, but finite: the prober may have crashed. */
const probeSeconds = 20;

/** The state of an endpoint when a worker wants to send a request. */
export type Slot = {
  webhook_id: string;
  url: string;
  /** Each signs the message: the endpoint's own, and those that a rotation has replaced within a day. */
  secrets: string[];
  /** Why the endpoint gets no requests at all. */
  disabled: string | null;
  /** Why the endpoint gets no request now: there is no slot. */
  obstacle: string | null;
  /** The receiver is down, or has asked us to wait. */
  is_paused: boolean;
  /** Until the request may be sent; with an obstacle, until the next try. */
  wait_seconds: number;
  failures: number;
  /** The receiver is down, and this request finds out whether it is back. */
  is_probe: boolean;
  /** Seconds since 1970 at which the request is sent. */
  sent_at: number;
};

/**
 * Takes the endpoint's next slot, over all workers; slots are as far apart as its rate allows. Returns nothing if the
 * endpoint is gone. If no slot is free within a second, the caller gets a later time and asks again then, so a long
 * queue is not polled. `isFull`: this worker has too many requests open at the receiver.
 */
export async function takeSlot(sql: Sql, webhookId: string, isFull: boolean): Promise<Slot | undefined> {
  const [slot] = await sql<Slot[]>`
    with endpoint as materialized (
      select
        webhook.*, at, make_interval(secs => 1 / per_second) as step,
        (select reason from webhook_disabled where webhook_disabled.webhook_id = webhook.webhook_id) as disabled,
        case
          when pause_until > at and failures >= ${failuresUntilDown} then 'The receiver is down.'
          when pause_until > at then 'The receiver has asked us to wait.'
          when next_at > at + interval '1 second' then 'The receiver has reached its rate.'
          when ${isFull} then 'The receiver is slow.'
        end as obstacle,
        greatest(next_at, at) as slot,
        greatest(line_at, pause_until, at + interval '1 second') as place
      from (select * from webhook where webhook_id = ${webhookId} for no key update) as webhook
      -- Not now(): the statement may have waited for the lock.
      cross join lateral (select clock_timestamp() as at where webhook_id is not null) as clock
    ), moved as (
      update webhook
      set
        next_at = case when obstacle is null then slot + step else webhook.next_at end,
        line_at = case when obstacle is null then webhook.line_at else place + step end,
        pause_until = case
          when obstacle is null and endpoint.failures >= ${failuresUntilDown}
            then at + make_interval(secs => ${probeSeconds})
          else webhook.pause_until
        end
      from endpoint
      where webhook.webhook_id = endpoint.webhook_id and disabled is null
    )
    select
      webhook_id, url, disabled, obstacle, failures,
      array[secret] || case when old_secrets_expire_at > at then old_secrets else '{}' end as secrets,
      coalesce(pause_until > at, false) as is_paused,
      failures >= ${failuresUntilDown} as is_probe,
      extract(epoch from case when obstacle is null then slot else place end - at)::float8 as wait_seconds,
      extract(epoch from slot)::float8 as sent_at
    from endpoint
  `;
  return slot;
}

// What follows names the URL of the request, too: after an edit, it says nothing about the new receiver.

/** Counts a failed request. While the receiver is down, only probes count: the open requests fail together. */
export async function recordFailure(sql: Sql, { webhook_id, url, is_probe }: Slot, error: string): Promise<void> {
  await sql`
    update webhook
    set
      failures = failures + 1,
      last_error = ${error},
      pause_until = case
        -- Doubles with each probe; equal jitter.
        when failures + 1 >= ${failuresUntilDown}
          then now() + make_interval(secs =>
            least(2 ^ least(failures + 2 - ${failuresUntilDown}, 20), ${longestPauseSeconds}) * (0.5 + random() / 2)
          )
      end
    where webhook_id = ${webhook_id} and url = ${url}
      and (${is_probe} or pause_until is null or pause_until <= now())
  `;
}

/** The receiver works again. */
export async function recordSuccess(sql: Sql, { webhook_id, url }: Slot): Promise<void> {
  await sql`
    update webhook
    set failures = 0, pause_until = null, last_error = null
    where webhook_id = ${webhook_id} and url = ${url} and failures > 0
  `;
}

/** The receiver works, and asks us to wait. */
export async function recordPause(sql: Sql, { webhook_id, url }: Slot, seconds: number): Promise<void> {
  await sql`
    update webhook
    set failures = 0, last_error = null, pause_until = greatest(pause_until, now() + make_interval(secs => ${seconds}))
    where webhook_id = ${webhook_id} and url = ${url}
  `;
}

/** The receiver says that it is gone for good. Returns whether the endpoint was disabled by this. */
export async function disable(sql: Sql, { webhook_id, url }: Slot, reason: string): Promise<boolean> {
  const { count } = await sql`
    insert into webhook_disabled (webhook_id, reason)
    select webhook_id, ${reason}
    from webhook
    where webhook_id = ${webhook_id} and url = ${url}
    on conflict do nothing
  `;
  return count > 0;
}
