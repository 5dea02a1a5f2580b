import type { Sql } from "../db/connect.ts";

/** More than this is not counted. */
export const mostCounted = 10_000;

type Lag = {
  name: string;
  /** Events behind; one more than `mostCounted` stands for any number. */
  events: number;
  /** Age of the oldest of them; 0 when there is none. */
  seconds: number;
  seen_seconds_ago: number;
};

type Holder = { pid: number | null; application_name: string; seconds: number | null };

/** How far each consumer of the feed is behind what is committed, the farthest first. */
export function readLags(sql: Sql) {
  return sql<Lag[]>`
    select
      name,
      unread.events::int as events,
      extract(epoch from greatest(now() - oldest, '0'))::float8 as seconds,
      extract(epoch from greatest(now() - seen_at, '0'))::float8 as seen_seconds_ago
    from event_consumer
    cross join lateral (
      select count(*) as events, coalesce(min(created_at), now()) as oldest
      from (
        select created_at
        from event
        where (xid, event_id) > ((position).xid, (position).event_id)
        order by xid, event_id
        limit ${mostCounted + 1}
      ) as next
    ) as unread
    order by seconds desc, name
  `;
}

/**
 * Who holds the feed up: the oldest transaction that has a number and still runs, in any database of the cluster, while an
 * event waits behind it. One that only reads has no number, and holds nobody up.
 */
export async function findHolder(sql: Sql): Promise<Holder | undefined> {
  const [holder] = await sql<Holder[]>`
    with oldest as (
      select pg_snapshot_xmin(pg_current_snapshot()) as xid
    )
    select pid, application_name, extract(epoch from clock_timestamp() - began_at)::float8 as seconds
    from (
      select pid, application_name, xact_start as began_at, backend_xid as xid
      from pg_stat_activity
      union all
      -- Prepared, and forgotten: no process is left to end.
      select null, 'prepared transaction ' || gid, prepared, transaction
      from pg_prepared_xacts
    ) as running (pid, application_name, began_at, xid)
    join oldest on oldest.xid::xid = running.xid
    where exists (select from event where event.xid >= oldest.xid)
  `;
  return holder;
}
