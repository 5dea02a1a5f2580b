import type { Sql } from "../db/connect.ts";

/** What was attempted in one minute of the last hour. */
export type Minute = { minutes_ago: number; mails: number; done: number; failed: number };

export type LastHour = { minutes: Minute[]; failures: Map<string, number> };

/** The 60 minutes up to now, oldest first, and the failed attempts by type; from what workers tally, which is pruned. */
export async function readLastHour(sql: Sql): Promise<LastHour> {
  const rows = await sql<{ minutes_ago: number; task_type: string; done: number; failed: number }[]>`
    select
      (extract(epoch from date_trunc('minute', now()) - minute) / 60)::int as minutes_ago, task_type,
      coalesce(sum(attempts) filter (where not is_failure), 0)::int as done,
      coalesce(sum(attempts) filter (where is_failure), 0)::int as failed
    from attempt_statistics
    where minute > now() - interval '1 hour'
    group by minute, task_type
  `;
  const minutes = Array.from({ length: 60 }, (_, n) => ({ minutes_ago: 59 - n, mails: 0, done: 0, failed: 0 }));
  const failures = new Map<string, number>();
  for (const { minutes_ago, task_type, done, failed } of rows) {
    const minute = minutes.at(-1 - minutes_ago);
    if (minute) {
      minute.done += done;
      minute.failed += failed;
      if (task_type.startsWith("SEND_EMAIL_")) minute.mails += done;
    }
    if (failed > 0) failures.set(task_type, (failures.get(task_type) ?? 0) + failed);
  }
  return { minutes, failures };
}
