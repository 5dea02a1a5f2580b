import type { TransactionSql } from "postgres";
import type { Sql } from "../../app/db/connect.ts";
import { isSettled, splitPosition, readEvents, type Event } from "../../app/db/feed.ts";
import { transact } from "../../app/db/transaction.ts";

/** One that follows the feed of events: it sees each committed event once, in order. */
export type Consumer = {
  /** Of its row in `event_consumer`, which remembers how far it has come. */
  name: string;
  /** Events at once. */
  batch?: number;
  /**
   * Its writes, in the transaction that moves its position: both are committed or neither. It must not wait for the outside:
   * while it runs, all readers of the feed stop in front of it.
   */
  take: (tx: TransactionSql, events: Event[]) => Promise<unknown>;
};

/** Events at once. */
export const defaultBatch = 1000;

const limitMilliseconds = "30000";

/** Lets the consumer take its next events, and returns how many. Of two copies at once, one takes and the other passes. */
export async function consume(sql: Sql, { name, batch = defaultBatch, take }: Consumer): Promise<number> {
  return transact(sql, async (tx) => {
    await tx`
      select
        set_config('statement_timeout', ${limitMilliseconds}, true),
        set_config('idle_in_transaction_session_timeout', ${limitMilliseconds}, true)
    `;
    await tx`insert into event_consumer (name) values (${name}) on conflict do nothing`;
    const [consumer] = await tx<{ position: string; is_ahead: boolean; xid: string }[]>`
      select
        pg_current_xact_id()::text as xid,
        (position).xid::text || '-' || (position).event_id as position,
        (position).xid > pg_snapshot_xmax(pg_current_snapshot()) as is_ahead
      from event_consumer
      where name = ${name}
      for update skip locked
    `;
    if (!consumer) return 0;
    if (consumer.is_ahead) throw new Error(restored(name));

    // The lock has given this transaction a number: what got a later one is left to the next time.
    const events = await readEvents(tx, consumer.position, batch);
    if (events.length > 0) await take(tx, events);
    const { xid, event_id } = splitPosition(events.at(-1)?.position ?? consumer.position);
    const { count } = await tx`
      update event_consumer
      set position = row(${xid}::xid8, ${event_id}::bigint)::event_position, seen_at = now()
      -- After a lost connection, postgres.js may say this on another one, without what was written before.
      where name = ${name} and pg_current_xact_id()::text = ${consumer.xid}
    `;
    if (count === 0) throw new Error("The transaction was lost: nothing was taken.");
    return events.length;
  });
}

/** Of these consumers, those that have something to read, or were not seen for an hour: one statement that writes nothing. */
export async function findBehind(sql: Sql, consumers: Consumer[]): Promise<Consumer[]> {
  const rows = await sql<{ name: string }[]>`
    select known.name
    from unnest(${consumers.map(({ name }) => name)}::text[]) as known (name)
    left join event_consumer using (name)
    where coalesce(seen_at, '-infinity') < now() - interval '1 hour'
      or (position).xid > pg_snapshot_xmax(pg_current_snapshot())
      or exists (
        select
        from event
        where (event.xid, event.event_id) > ((position).xid, (position).event_id) and ${isSettled(sql)}
      )
  `;
  const behind = new Set(rows.map(({ name }) => name));
  return consumers.filter(({ name }) => behind.has(name));
}

/** One that fails is there still: it must not be taken for gone. */
export async function noteSeen(sql: Sql, { name }: Consumer): Promise<void> {
  await sql`
    update event_consumer
    set seen_at = now()
    where name = ${name} and seen_at < now() - interval '1 hour'
  `;
}

const restored = (name: string) =>
  `The consumer ${name} is ahead of all transactions: a database that was restored into a new cluster needs its events renumbered, see docs/feed.md.`;
