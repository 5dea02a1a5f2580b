import type { Sql } from "../db/connect.ts";

type Webhook = {
  webhook_id: string;
  url: string;
  event_types: string[];
  per_second: number;
  /**
   * `down`: three requests in a row have failed, and one at a time probes it. `waiting`: the receiver has asked us to
   * wait.
   */
  state: "ok" | "down" | "waiting" | "disabled";
  /** Why it is disabled. */
  disabled: string | null;
  failures: number;
  pause_seconds: number | null;
  last_error: string | null;
  /** Until then, the secrets that rotations have replaced sign, too. */
  old_secrets_expire_at: Date | null;
};

/** All endpoints, or one; never their secrets. */
export function readWebhooks(sql: Sql, webhookId: string | null = null) {
  return sql<Webhook[]>`
    select
      webhook_id, url, event_types, per_second, reason as disabled, failures, last_error,
      case
        when reason is not null then 'disabled'
        -- While the receiver is not down, a failure ends its pause.
        when failures > 0 and pause_until is not null then 'down'
        when pause_until > now() then 'waiting'
        else 'ok'
      end as state,
      case when pause_until > now() then extract(epoch from pause_until - now())::float8 end as pause_seconds,
      case when old_secrets_expire_at > now() then old_secrets_expire_at end as old_secrets_expire_at
    from webhook
    left join webhook_disabled using (webhook_id)
    where webhook_id = coalesce(${webhookId}, webhook_id)
    order by webhook_id
    limit 1000
  `;
}
