import { beforeEach, describe, expect, it } from "vitest";
import type { Event } from "../../app/db/feed.ts";
import { consume, findBehind, type Consumer } from "../../worker/events/consume.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, untilReadable } from "../support/feed.ts";
import { until } from "../support/until.ts";

const { sql } = await createDatabase();
let consumed: string[];
const types = (events: Event[]) => events.map(({ event_type }) => event_type);
const reader: Consumer = {
  name: "reader",
  consume: async (_tx, events) => void consumed.push(...types(events)),
};

beforeEach(async () => {
  consumed = [];
  await empty(sql);
  await sql`create table if not exists note (note_id bigint generated always as identity, event_type text not null)`;
  await sql`truncate note`;
});

/** Consumes all that is readable, and returns the event types consumed so far. */
async function read(consumer = reader): Promise<string[]> {
  while ((await consume(sql, consumer)) > 0);
  return consumed;
}

describe("copies of a consumer in several workers", () => {
  it("consume each event once between them", async () => {
    for (let n = 0; n < 200; n += 1) await appendEvent(sql, String(n));
    // Before that, a consumer that cannot read yet would seem done.
    await untilReadable(sql);
    const copy: Consumer = {
      name: "copy",
      batch: 7,
      consume: (tx, events) => tx`insert into note ${tx(types(events).map((event_type) => ({ event_type })))}`,
    };
    const isOver = async () => (await findBehind(sql, [copy])).length === 0;
    const run = () => until("all are read", async () => (await consume(sql, copy)) === 0 && (await isOver()));
    await Promise.all([run(), run(), run()]);
    const rows = await sql<{ event_type: string }[]>`select event_type from note order by note_id`;
    expect(rows.map(({ event_type }) => event_type)).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  it("consume every committed event once and in order, while writers and copies fail at random", async () => {
    const over = new AbortController();
    cleanUp(() => over.abort());
    const noting: Consumer = {
      name: "noting",
      batch: 5,
      async consume(tx, events) {
        await tx`insert into note ${tx(types(events).map((event_type) => ({ event_type })))}`;
        if (Math.random() < 0.2) throw new Error("failed");
      },
    };
    const loop = async () => {
      while (!over.signal.aborted) await consume(sql, noting).catch(() => 0);
    };
    const write = async (name: number) => {
      for (let n = 0; n < 25; n += 1) {
        const writer = sql.begin(async (tx) => {
          await appendEvent(tx, `${name} ${n} a`);
          await tx`select pg_sleep(random() * 0.01)`;
          await appendEvent(tx, `${name} ${n} b`);
          if (Math.random() < 0.2) throw new Error("rolled back");
        });
        await writer.catch(() => {});
      }
    };
    const loops = [loop(), loop()];
    await Promise.all([1, 2, 3, 4, 5].map(write));
    const written = await sql`select event_type from event order by xid, event_id`;
    await until("all are noted", async () => (await sql`select from note`).length >= written.length);
    over.abort();
    await Promise.all(loops);
    expect([...(await sql`select event_type from note order by note_id`)]).toEqual([...written]);
  });

  it("skip their turn without waiting while another copy consumes", async () => {
    await read();
    await appendEvent(sql, "ONE");
    await untilReadable(sql);
    const gate = Promise.withResolvers<void>();
    cleanUp(gate.resolve);
    const begun = Promise.withResolvers<void>();
    const slow = consume(sql, {
      name: "reader",
      async consume() {
        begun.resolve();
        await gate.promise;
      },
    });
    await begun.promise;
    expect(await consume(sql, reader)).toBe(0);
    gate.resolve();
    expect(await slow).toBe(1);
    expect(await read()).toEqual([]);
  });
});
