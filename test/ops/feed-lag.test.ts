import { beforeEach, describe, expect, it } from "vitest";
import { projectName } from "../../app/env.ts";
import { mostCounted } from "../../app/ops/count-tasks.ts";
import { findHolder, readLags } from "../../app/ops/feed-lag.ts";
import { consume } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, openTransaction } from "../support/feed.ts";
import { until } from "../support/until.ts";

const { sql } = await createDatabase();
const read = (name: string) => consume(sql, { name, consume: async () => {} });
/** Transactions of other tests on the same server may delay the feed for a moment. */
const reads = (name: string) => until(`${name} has read`, async () => (await read(name)) > 0);
beforeEach(() => empty(sql));

describe("the lag of a consumer", () => {
  it("is counted in events and in seconds, the farthest behind first", async () => {
    await read("a");
    await appendEvent(sql, "OLD", { created_at: new Date(Date.now() - 90_000) });
    await reads("b");
    await appendEvent(sql, "NEW");
    expect([...(await readLags(sql))]).toEqual([
      {
        name: "a",
        events: 2,
        seconds: expect.closeTo(90, -1) as number,
        seen_seconds_ago: expect.any(Number) as number,
      },
      {
        name: "b",
        events: 1,
        seconds: expect.closeTo(0, -1) as number,
        seen_seconds_ago: expect.any(Number) as number,
      },
    ]);
    await reads("b");
    await reads("a");
    expect((await readLags(sql)).map(({ events, seconds }) => [events, seconds])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("is counted up to a limit", async () => {
    await read("a");
    await sql`insert into event (event_type) select 'X' from generate_series(1, ${mostCounted + 10})`;
    expect((await readLags(sql))[0]).toMatchObject({ events: mostCounted + 1 });
  });
});

describe("the transaction that delays the feed", () => {
  it("is none when all events can be read, however long another transaction reads", async () => {
    await appendEvent(sql, "ONE");
    const reading = await openTransaction(sql);
    await reading.tx`select from event`;
    expect(await until("there is none", async () => !(await findHolder(sql)))).toBe(true);
  });

  it("is the oldest transaction that writes, while an event waits behind it", async () => {
    const first = await openTransaction(sql);
    const [self] = await first.tx<{ pid: number }[]>`select pg_backend_pid() as pid, pg_current_xact_id()`;
    const second = await openTransaction(sql);
    await appendEvent(second.tx, "HELD");
    await second.commit();
    const found = await until("the older ones are gone", async () => {
      const holder = await findHolder(sql);
      return holder?.pid === self!.pid && holder;
    });
    expect(found).toEqual({
      pid: self!.pid,
      application_name: `${projectName} test`,
      seconds: expect.any(Number) as number,
    });
    await first.rollback();
    expect(await until("there is none", async () => !(await findHolder(sql)))).toBe(true);
  });
});
