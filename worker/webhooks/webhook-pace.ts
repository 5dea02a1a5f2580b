import type { Sql } from "../../app/db/connect.ts";

/** Failures in a row, over all workers, after which a receiver counts as down: then one request at a time looks whether it is back. */
const failuresUntilDown = 3;
const longestPauseSeconds = 300;
/** As long as one request looks, the others wait; longer than it may take, or a worker that crashed would let nobody look again. */
const lookSeconds = 20;

/** What is known of an endpoint at the moment when one more request to it is wanted. */
export type Leave = {
  webhook_id: string;
  url: string;
  secret: string;
  /** Why nothing must be sent at all. */
  disabled: string | null;
  /** Why nothing must be sent now. */
  obstacle: string | null;
  /** It is down, or has asked us to wait. */
  is_paused: boolean;
  /** Until the request may be sent; with an obstacle, until it is worth asking again. */
  wait_seconds: number;
  failures: number;
  /** The receiver is down, and this request looks whether it is back. */
  is_look: boolean;
  /** Seconds since 1970 at which the request will be sent. */
  sent_at: number;
};

/**
 * Asks for the next slot of an endpoint, whichever worker asks: slots are as far apart as its rate allows. Nothing when the endpoint
 * is gone. When there is no slot within a second, the asker gets a place in the line instead, at whose time it asks again:
 * so a long line is not asked again and again. `isFull` says that this worker has no room for it now.
 */
export async function askLeave(sql: Sql, webhookId: string, isFull: boolean): Promise<Leave | undefined> {
  const [leave] = await sql<Leave[]>`
    with locked as materialized (
      select webhook_id, url, secret, per_second, next_at, line_at, failures, pause_until
      from webhook
      where webhook_id = ${webhookId}
      for no key update
    ), endpoint as materialized (
      select
        *,
        (select reason from webhook_disabled where webhook_disabled.webhook_id = locked.webhook_id) as disabled,
        case
          when pause_until > at and failures >= ${failuresUntilDown} then 'The receiver is down.'
          when pause_until > at then 'The receiver has asked us to wait.'
          when next_at > at + interval '1 second' then 'The receiver has had as many requests as it may get.'
          when ${isFull} then 'The receiver is slow.'
        end as obstacle,
        coalesce(pause_until > at, false) as is_paused,
        failures >= ${failuresUntilDown} as is_look,
        greatest(next_at, at) as slot,
        greatest(line_at, pause_until, at + interval '1 second') as place,
        make_interval(secs => 1 / per_second) as step
      from locked
      -- The clock of now: the row may have been waited for.
      cross join lateral (select clock_timestamp() as at) as clock
    ), moved as (
      update webhook
      set
        next_at = case when obstacle is null then slot + step else webhook.next_at end,
        line_at = case when obstacle is null then webhook.line_at else place + step end,
        pause_until = case
          when obstacle is null and is_look then at + make_interval(secs => ${lookSeconds})
          else webhook.pause_until
        end
      from endpoint
      where webhook.webhook_id = endpoint.webhook_id and disabled is null
    )
    select
      webhook_id, url, secret, disabled, obstacle, is_paused, failures, is_look,
      extract(epoch from case when obstacle is null then slot else place end - at)::float8 as wait_seconds,
      extract(epoch from slot)::float8 as sent_at
    from endpoint
  `;
  return leave;
}

/** The receiver did not take it. Once it is down, the failure of a look alone is news: those that were under way failed together. */
export async function noteFailure(sql: Sql, { webhook_id, is_look }: Leave, error: string): Promise<void> {
  await sql`
    update webhook
    set
      failures = failures + 1,
      last_error = ${error},
      pause_until = case
        -- Doubles with each look; equal jitter.
        when failures + 1 >= ${failuresUntilDown}
          then now() + make_interval(secs =>
            least(2 ^ least(failures + 2 - ${failuresUntilDown}, 20), ${longestPauseSeconds}) * (0.5 + random() / 2)
          )
      end
    where webhook_id = ${webhook_id}
      and (${is_look} or pause_until is null or pause_until <= now())
  `;
}

/** It works again. */
export async function noteSuccess(sql: Sql, { webhook_id }: Leave): Promise<void> {
  await sql`
    update webhook
    set failures = 0, pause_until = null, last_error = null
    where webhook_id = ${webhook_id} and failures > 0
  `;
}

/** It works, and wants no request for so long. */
export async function notePause(sql: Sql, { webhook_id }: Leave, seconds: number): Promise<void> {
  await sql`
    update webhook
    set failures = 0, last_error = null, pause_until = greatest(pause_until, now() + make_interval(secs => ${seconds}))
    where webhook_id = ${webhook_id}
  `;
}

/** It is gone for good, says the receiver. */
export async function disable(sql: Sql, { webhook_id }: Leave, reason: string): Promise<void> {
  await sql`
    insert into webhook_disabled (webhook_id, reason)
    select webhook_id, ${reason}
    from webhook
    where webhook_id = ${webhook_id}
    on conflict do nothing
  `;
}
