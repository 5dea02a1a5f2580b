import { describe, expect, it } from "vitest";
import type { Sql } from "../../app/db/connect.ts";
import { isReadable, readEvents } from "../../app/db/feed.ts";
import { consume, findBehind, type Consumer } from "../../worker/events/consume.ts";
import { countBuffers } from "../support/buffers.ts";
import { blocksOf } from "../support/copy.ts";
import { createDatabase } from "../support/database.ts";
import { appendEvent, untilReadable } from "../support/feed.ts";
import { until } from "../support/until.ts";

const count = 1_000_000;
const batch = 1000;

/** Of the page about growing: the migration, and what is run before it on a big table. */
const heading = "When to partition";
const blockOf = async (language: string) =>
  (await blocksOf("docs/growing.md", language)).find((block) => block.heading === heading)!.text;
const [, file] = /^\+\+\+ b\/migrations\/0101_event_months\.sql\n@@.*\n((?:\+.*\n)+)/m.exec(await blockOf("diff"))!;
const migration = file!.replaceAll(/^\+/gm, "");
const preparation = (await blockOf("sql")).split(/^(?=alter)/m);

/** The feed stops before the transactions that run. The lowest numbers are those of the new server itself. */
const mostXid = 500;

/** Events of the last 90 days in the order of the feed, as a table that has grown holds them. */
async function fill(sql: Sql): Promise<void> {
  await sql`
    insert into event (xid, event_type, usr_id, data, created_at)
    select
      (n::bigint * ${mostXid}::int / ${count}::int)::text::xid8, 'MAIL_SENT', n % 50000,
      jsonb_build_object('subject', 'Welcome', 'task_id', n::text, 'task_type', 'SEND_EMAIL_WELCOME'),
      now() - interval '90 days' * (${count}::int - n) / ${count}::int
    from generate_series(1, ${count}::int) as n
  `;
  await sql`vacuum analyze event`;
}

/** A database whose events of the last months are each in a partition of their month. */
async function createMonths() {
  const database = await createDatabase();
  await database.sql.begin((tx) => tx.unsafe(migration));
  await database.sql`select drop_event_months('-1 year')`;
  await database.sql`select make_event_months(date_trunc('month', now(), 'UTC') - interval '3 months')`;
  await database.sql`select make_event_months()`;
  return database;
}

const months = (sql: Sql) => sql<{ name: string }[]>`select name from event_month order by month`;

async function bytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select sum(pg_total_relation_size(relid))::float8 as bytes from pg_partition_tree('event')
  `;
  return row!.bytes;
}

/** Buffers of one batch in the middle of the feed, and of a search for events at its end. */
async function costs(database: Awaited<ReturnType<typeof createDatabase>>) {
  const consumer: Consumer = { name: "at the end", consume: async () => {} };
  await database.sql`
    insert into event_consumer (name, position)
    select ${consumer.name}, row(xid, event_id)::event_position from event order by xid desc, event_id desc limit 1
  `;
  const statements = await countBuffers(database, async (sql) => {
    await readEvents(sql, `${mostXid / 2}-0`, batch);
    await findBehind(sql, [consumer]);
  });
  function of(part: string): number {
    const { buffers, calls } = statements.find(({ query }) => query.includes(part))!;
    return buffers / calls;
  }
  return { read: of("order by xid, event_id"), behind: of("join event_consumer") };
}

describe("the migration to months, at a million events", () => {
  it("reads no event, and consumers and writers carry on while it runs", async () => {
    const { sql } = await createDatabase();
    await fill(sql);
    for (const statement of preparation) await sql.unsafe(statement);

    const consumed: string[] = [];
    const consumer: Consumer = {
      name: "in the middle",
      batch: 100,
      consume: async (_tx, events) => void consumed.push(...events.map(({ event_id }) => event_id)),
    };
    await sql`insert into event_consumer (name, position) values (${consumer.name}, row('497', 0)::event_position)`;
    const over = new AbortController();
    const repeat = async (work: () => Promise<unknown>) => {
      for (;;) {
        await work();
        if (over.signal.aborted) return;
      }
    };
    let written = 0;
    const write = () => appendEvent(sql, "WRITTEN").then(() => (written += 1));
    const writers = [1, 2, 3].map(() => repeat(write));
    const reader = repeat(() => consume(sql, consumer));

    await until("they write", () => written > 100);
    const began = performance.now();
    const [read] = await sql.begin(async (tx) => {
      await tx.unsafe(migration);
      return tx`select sum(seq_tup_read)::int as rows from pg_stat_xact_user_tables where relname like 'event%'`;
    });
    console.log(`migration: ${Math.round(performance.now() - began)} ms`);
    const before = written;
    await until("they carry on", () => written > before + 100);
    over.abort();
    await Promise.all([...writers, reader]);
    await untilReadable(sql);
    while ((await consume(sql, consumer)) > 0);

    expect(read!.rows).toBeLessThan(10);
    const expected = await sql<{ event_id: string }[]>`
      select event_id from event where xid >= '497' and ${isReadable(sql)} order by xid, event_id
    `;
    expect(expected.length).toBeGreaterThan((3 * count) / mostXid);
    expect(consumed).toEqual(expected.map(({ event_id }) => event_id));

    // Each has a partition, and none a constraint that was meant for the old table.
    const ages = [-120, -90, -60, 0, 90];
    for (const days of ages) {
      await sql`insert into event (event_type, created_at) values ('AT_ANY_TIME', now() + make_interval(days => ${days}))`;
    }
  });
});

describe("a million events in months", () => {
  it("cost a consumer one descent of an index more for each partition", async () => {
    const plain = await createDatabase();
    const parted = await createMonths();
    await Promise.all([fill(plain.sql), fill(parted.sql)]);
    const [before, after] = [await costs(plain), await costs(parted)];
    console.log("buffers in one table and in months:", before, after);
    // A descent of the index of each.
    const most = 3 * ((await months(parted.sql)).length + 1);
    expect(after.read - before.read).toBeLessThanOrEqual(most);
    expect(before.behind).toBeLessThan(10);
    expect(after.behind - before.behind).toBeLessThanOrEqual(most);
  });

  it("are dropped by the month, which leaves no dead row, but not before all have read them", async () => {
    const { sql } = await createMonths();
    await fill(sql);
    const [size, all] = [await bytes(sql), await months(sql)];
    await sql`insert into event_consumer (name) values ('has read nothing')`;
    await sql`select drop_event_months('30 days')`;
    expect(await months(sql)).toEqual(all);

    await sql`update event_consumer set position = row('400', 0)::event_position`;
    const began = performance.now();
    await sql`select drop_event_months('30 days')`;
    console.log(`dropped in ${Math.round(performance.now() - began)} ms`, size / count, "bytes an event");
    expect((await months(sql)).length).toBeLessThan(all.length);
    expect(await bytes(sql)).toBeLessThan(0.8 * size);
    const dead = await sql`select from pg_stat_user_tables where relname like 'event\\_%\\_%' and n_dead_tup > 0`;
    expect(dead).toHaveLength(0);
    const [young] = await sql`
      select count(*)::int as events from event where created_at > now() - interval '29 days'
    `;
    expect(young!.events).toBeGreaterThan(Math.floor((count * 28) / 90));
  });
});

describe("a month without a partition", () => {
  it("leaves its events to event_default, and the months after it can be made", async () => {
    const { sql } = await createMonths();
    const made = await months(sql);
    for (const { name } of made.slice(-2)) await sql`drop table ${sql(name)}`;
    const next = sql`date_trunc('month', now(), 'UTC') + interval '40 days'`;
    await sql`insert into event (event_type, created_at) select 'EARLY', ${next}`;
    await sql`select make_event_months()`;
    expect(await months(sql)).toEqual(made.filter((_month, at) => at !== made.length - 2));
    expect(await sql`select event_type from event_default`).toEqual([{ event_type: "EARLY" }]);
    expect(await sql`select event_type from event`).toEqual([{ event_type: "EARLY" }]);
  });
});
