import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { isReadable, splitPosition, readEvents, type Event } from "../../app/db/feed.ts";
import { transact } from "../../app/db/transaction.ts";

/** A subscriber of the feed. It sees each committed event once, in order. */
export type Consumer = {
  /** Its row in `event_consumer`, which holds its position. */
  name: string;
  /** The most events in one call. */
  batch?: number;
  /**
   * Its writes and its new position commit together. It must not wait for the outside world, because all readers of
   * the feed stop before its transaction while it runs.
   */
  consume: (tx: TransactionSql, events: Event[]) => Promise<unknown>;
};

export const defaultBatch = 1000;

const limitMilliseconds = "30000";

/** Passes the next events to the consumer, and returns how many. None while another worker runs the same consumer. */
export async function consume(sql: Sql, consumer: Consumer): Promise<number> {
  const { name, batch = defaultBatch } = consumer;
  return transact(sql, async (tx) => {
    await tx`
      select
        set_config('statement_timeout', ${limitMilliseconds}, true),
        set_config('idle_in_transaction_session_timeout', ${limitMilliseconds}, true)
    `;
    await tx`insert into event_consumer (name) values (${name}) on conflict do nothing`;
    const [saved] = await tx<{ position: string; is_ahead: boolean; xid: string }[]>`
      select
        pg_current_xact_id()::text as xid,
        (position).xid::text || '-' || (position).event_id as position,
        (position).xid > pg_snapshot_xmax(pg_current_snapshot()) as is_ahead
      from event_consumer
      where name = ${name}
      for update skip locked
    `;
    if (!saved) return 0;
    if (saved.is_ahead) throw new Error(restored(name));

    // The lock gave this transaction an xid, and readers stop before it: later events wait for the next batch.
    const events = await readEvents(tx, saved.position, batch);
    if (events.length > 0) await consumer.consume(tx, events);
    const { xid, event_id } = splitPosition(events.at(-1)?.position ?? saved.position);
    const { count } = await tx`
      update event_consumer
      set position = row(${xid}::xid8, ${event_id}::bigint)::event_position, seen_at = now()
      -- After a lost connection, postgres.js may send this on another one, without the writes before it.
      where name = ${name} and pg_current_xact_id()::text = ${saved.xid}
    `;
    if (count === 0) throw new Error("The transaction was lost: no event was consumed.");
    return events.length;
  });
}

/** The consumers that have events to read or were not seen for an hour. The statement writes nothing. */
export async function findBehind(sql: Sql, consumers: Consumer[]): Promise<Consumer[]> {
  const rows = await sql<{ name: string }[]>`
    select consumer.name
    from unnest(${consumers.map(({ name }) => name)}::text[]) as consumer (name)
    left join event_consumer using (name)
    where coalesce(seen_at, '-infinity') < now() - interval '1 hour'
      or (position).xid > pg_snapshot_xmax(pg_current_snapshot())
      -- Not "exists": Postgres would expect a match soon, and read the whole table if there is none.
      or position < (
        select row(xid, event_id)::event_position
        from event
        where ${isReadable(sql)}
        order by xid desc, event_id desc
        limit 1
      )
  `;
  const behind = new Set(rows.map(({ name }) => name));
  return consumers.filter(({ name }) => behind.has(name));
}

/** Prevents that a failing consumer is dropped as abandoned. */
export async function noteSeen(sql: Sql, { name }: Consumer): Promise<void> {
  await sql`
    update event_consumer
    set seen_at = now()
    where name = ${name} and seen_at < now() - interval '1 hour'
  `;
}

const restored = (name: string) =>
  `The consumer ${name} is ahead of all transactions: a database that was restored into a new cluster needs its events renumbered, see docs/events.md.`;
