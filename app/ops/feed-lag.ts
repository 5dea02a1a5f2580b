import type { Sql } from "../db/connect.ts";
import { mostCounted } from "./count-tasks.ts";

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
 * The transaction that blocks the feed: the oldest one with an id that still runs, in any database of the server,
 * while an event waits behind it. A transaction that only reads has no id and blocks nothing.
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
      -- A prepared transaction has no process.
      select null, 'prepared transaction ' || gid, prepared, transaction
      from pg_prepared_xacts
    ) as running (pid, application_name, began_at, xid)
    join oldest on oldest.xid::xid = running.xid
    where exists (select from event where event.xid >= oldest.xid)
  `;
  return holder;
}
