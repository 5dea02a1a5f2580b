import { beforeEach, describe, expect, it } from "vitest";
import { readEvents, beginning, type Event } from "../../app/feed.ts";
import { consume, findBehind, type Consumer } from "../../worker/consume.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { append, begin, settled } from "../support/feed.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
let taken: string[];
const types = (events: Event[]) => events.map(({ event_type }) => event_type);
const reader: Consumer = {
  name: "reader",
  take: async (_tx, events) => void taken.push(...types(events)),
};

beforeEach(async () => {
  taken = [];
  await empty(sql);
  await sql`create table if not exists note (note_id bigint generated always as identity, event_type text not null)`;
  await sql`truncate note`;
});

/** Reads until there is nothing more to read; what is taken so far. */
async function read(consumer = reader): Promise<string[]> {
  while ((await consume(sql, consumer)) > 0);
  return taken;
}

/** Reads until so many are taken: transactions of other tests on the same server hold the feed up for moments. */
async function reads(count: number, consumer = reader): Promise<string[]> {
  await until("they are read", async () => (await read(consumer)).length >= count);
  return taken;
}

const isBehind = async () => (await findBehind(sql, [reader])).length === 1;

describe("a consumer", () => {
  it("sees what a slow writer commits last, though its number is the first", async () => {
    const slow = await begin(sql);
    await append(slow.tx, "SLOW");
    await append(sql, "FAST");
    expect(await read()).toEqual([]);
    await append(sql, "FASTER");
    expect(await read()).toEqual([]);

    await slow.commit();
    expect(await reads(3)).toEqual(["SLOW", "FAST", "FASTER"]);
    expect(await read()).toHaveLength(3);
  });

  it("sees an event whose number is lower than one that was read, when its transaction is the later one", async () => {
    // The first number of a sequence is logged, which would give its transaction a number, too.
    await sql`select nextval('event_event_id_seq')`;
    const first = await begin(sql);
    await first.tx`select nextval('event_event_id_seq')`;
    await append(sql, "BETWEEN");
    expect(await reads(1)).toEqual(["BETWEEN"]);
    await first.tx`insert into event (event_id, event_type) overriding system value values (2, 'LATE')`;
    await first.commit();
    expect(await reads(2)).toEqual(["BETWEEN", "LATE"]);
  });

  it("sees each once when several writers commit in any order, in the order of (xid, id)", async () => {
    const writers = [];
    for (const name of ["A", "B", "C", "D"]) {
      const writer = await begin(sql);
      await append(writer.tx, `${name}1`);
      writers.push({ ...writer, name });
    }
    for (const { tx, name } of writers.toReversed()) await append(tx, `${name}2`);
    await read();
    for (const place of [1, 3, 0, 2]) {
      await writers[place]!.commit();
      await read();
    }
    expect(await reads(8)).toEqual(["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2"]);
  });

  it("goes on past a writer that rolls back, and never sees what it wrote", async () => {
    const failing = await begin(sql);
    await append(failing.tx, "NEVER");
    await append(sql, "AFTER");
    expect(await read()).toEqual([]);
    await failing.rollback();
    expect(await reads(1)).toEqual(["AFTER"]);
  });

  it("sees what a savepoint keeps, in its place", async () => {
    const writer = await begin(sql);
    await append(writer.tx, "KEPT");
    await writer.tx`savepoint here`;
    await append(writer.tx, "UNDONE");
    await writer.tx`rollback to here`;
    await append(sql, "OTHER");
    await append(writer.tx, "KEPT TOO");
    await writer.commit();
    expect(await reads(3)).toEqual(["KEPT", "KEPT TOO", "OTHER"]);
  });

  it("that dies after its writes and before its cursor has written nothing, and sees the same again", async () => {
    await append(sql, "ONE");
    await settled(sql);
    const dying = run("test/support/dying-consumer.ts", { DATABASE_URL: url });
    await until("it has written", () => dying.output().includes("written"));
    await dying.end("SIGKILL");
    await until("Postgres has noticed", async () => (await consume(sql, reader)) > 0);

    expect(await sql`select from note`).toHaveLength(0);
    expect(await reads(1)).toEqual(["ONE"]);
  });

  it("whose writes fail keeps its place", async () => {
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    await settled(sql);
    const failing = { name: "reader", take: () => Promise.reject(new Error("no luck")) };
    await expect(consume(sql, failing)).rejects.toThrow("no luck");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
  });

  it("of which two copies run at once sees each event once", async () => {
    for (let n = 0; n < 200; n += 1) await append(sql, String(n));
    const copy: Consumer = {
      name: "copy",
      batch: 7,
      take: (tx, events) => tx`insert into note ${tx(types(events).map((event_type) => ({ event_type })))}`,
    };
    const isOver = async () => (await findBehind(sql, [copy])).length === 0;
    const run = () => until("all are read", async () => (await consume(sql, copy)) === 0 && (await isOver()));
    await Promise.all([run(), run(), run()]);
    const rows = await sql<{ event_type: string }[]>`select event_type from note`;
    expect(rows.map(({ event_type }) => event_type)).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  it("sees all that commits, once and in order, whatever writers and copies of it do at once", async () => {
    const over = new AbortController();
    cleanUp(() => over.abort());
    const noting: Consumer = {
      name: "noting",
      batch: 5,
      async take(tx, events) {
        await tx`insert into note ${tx(types(events).map((event_type) => ({ event_type })))}`;
        if (Math.random() < 0.2) throw new Error("no luck");
      },
    };
    const follow = async () => {
      while (!over.signal.aborted) await consume(sql, noting).catch(() => 0);
    };
    const write = async (name: number) => {
      for (let n = 0; n < 25; n += 1) {
        const writer = sql.begin(async (tx) => {
          await append(tx, `${name} ${n} a`);
          await tx`select pg_sleep(random() * 0.01)`;
          await append(tx, `${name} ${n} b`);
          if (Math.random() < 0.2) throw new Error("rolled back");
        });
        await writer.catch(() => {});
      }
    };
    const followers = [follow(), follow()];
    await Promise.all([1, 2, 3, 4, 5].map(write));
    const written = await sql`select event_type from event order by xid, event_id`;
    await until("all are noted", async () => (await sql`select from note`).length >= written.length);
    over.abort();
    await Promise.all(followers);
    expect([...(await sql`select event_type from note order by note_id`)]).toEqual([...written]);
  });

  it("passes while a copy of it is at work, and does not wait", async () => {
    await read();
    await append(sql, "ONE");
    await settled(sql);
    const gate = Promise.withResolvers<void>();
    cleanUp(gate.resolve);
    const begun = Promise.withResolvers<void>();
    const slow = consume(sql, {
      name: "reader",
      async take() {
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

  it("is stalled neither by a long reader nor by its old snapshot", async () => {
    const reading = await begin(sql);
    await reading.tx`set transaction isolation level repeatable read`;
    await reading.tx`select from event`;
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    expect(await reads(2)).toEqual(["ONE", "TWO"]);
    await reading.rollback();
  });

  it("has a place of its own", async () => {
    await append(sql, "ONE");
    expect(await reads(1)).toEqual(["ONE"]);
    await append(sql, "TWO");
    expect(await reads(3, { ...reader, name: "another" })).toEqual(["ONE", "ONE", "TWO"]);
    expect(await reads(4)).toEqual(["ONE", "ONE", "TWO", "TWO"]);
  });
});

describe("an event as it is read", () => {
  it("says what happened to whom, where and when", async () => {
    await append(sql, "MAIL_SENT", { usr_id: "7", data: { task_type: "MAIL" } });
    await settled(sql);
    expect([...(await readEvents(sql, beginning, 10))]).toEqual([
      {
        position: expect.stringMatching(/^\d+-1$/) as string,
        event_id: "1",
        event_type: "MAIL_SENT",
        usr_id: "7",
        data: { task_type: "MAIL" },
        created_at: expect.any(Date) as Date,
      },
    ]);
  });
});

describe("a look at who is behind", () => {
  it("finds who is new, who has something to read, and who was not seen for an hour", async () => {
    expect(await isBehind()).toBe(true);
    await read();
    expect(await isBehind()).toBe(false);

    await append(sql, "ONE");
    await settled(sql);
    await read();
    expect(await isBehind()).toBe(false);

    await sql`update event_consumer set seen_at = now() - interval '61 minutes'`;
    expect(await isBehind()).toBe(true);
    await read();
    expect(await isBehind()).toBe(false);
  });

  it("is not fooled by what cannot be read yet", async () => {
    await read();
    const slow = await begin(sql);
    await append(slow.tx, "SLOW");
    await append(sql, "FAST");
    expect(await isBehind()).toBe(false);
    await slow.commit();
    await settled(sql);
  });
});
