import { beforeEach, describe, expect, it } from "vitest";
import type { Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { append } from "../support/feed.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
let taken: string[];
const reader: Consumer = {
  name: "reader",
  take: async (_tx, events) => void taken.push(...events.map(({ event_type }) => event_type)),
};

beforeEach(async () => {
  taken = [];
  await empty(sql);
});

describe("a worker that follows the feed", () => {
  it("owes what a consumer makes of an event, and does it at once", async () => {
    const owing: Consumer = {
      name: "owing",
      take: (tx, events) => tx`insert into task ${tx(events.map(({ event_type }) => ({ task_type: event_type })))}`,
    };
    let done = 0;
    const count = handler(() => void (done += 1));
    const engine = await runEngine(database, { COUNT: count }, { consumers: [owing] });
    await sql`insert into event (event_type) select 'COUNT' from generate_series(1, 2500)`;
    engine.wake();
    await until("all are done", async () => done === 2500 && (await isEmpty(sql)));
    expect(done).toBe(2500);
  });

  it("finds without a hint what another program appends", async () => {
    await runEngine(database, {}, { consumers: [reader] });
    await append(sql, "ONE");
    expect(await until("it is taken", () => taken.length > 0 && taken)).toEqual(["ONE"]);
  });

  it("lets a consumer that fails keep nobody else from the feed", async () => {
    let isIll = true;
    const failing: Consumer = {
      name: "failing",
      async take(tx, events) {
        if (isIll) throw new Error("no luck");
        await reader.take(tx, events);
      },
    };
    await append(sql, "ONE");
    await sql`insert into event_consumer (name, seen_at) values ('failing', now() - interval '2 days')`;
    const engine = await runEngine(database, {}, { consumers: [failing, reader] });
    await until("the other one reads", () => taken.length === 1);
    expect(engine.lines.find(({ consumer }) => consumer === "failing")?.msg).toMatch(/did not take/);
    await until("it counts as seen", async () => {
      return (await sql`select from event_consumer where seen_at > now() - interval '1 h'`).length === 2;
    });
    isIll = false;
    engine.wake();
    expect(await until("both have read", () => taken.length === 2 && taken)).toEqual(["ONE", "ONE"]);
  });

  it("gives each consumer one batch in turn, so that none waits until another has caught up", async () => {
    const order: string[] = [];
    const consumer = (name: string): Consumer => ({ name, batch: 10, take: async () => void order.push(name) });
    await sql`insert into event (event_type) select 'MANY' from generate_series(1, 40)`;
    await runEngine(database, {}, { consumers: [consumer("first"), consumer("second")] });
    await until("both have read", () => order.length === 8);
    expect(order).toEqual(["first", "second", "first", "second", "first", "second", "first", "second"]);
  });

  it("says that a restored database needs its events renumbered", async () => {
    await sql`insert into event_consumer (name, position) values ('reader', row('9000000000', 1)::event_position)`;
    const engine = await runEngine(database, {}, { consumers: [reader] });
    const line = await until("it says so", () => engine.lines.find(({ consumer }) => consumer === "reader"));
    expect(line.msg).toMatch(/did not take/);
    expect(JSON.stringify(line)).toMatch(/restored into a new cluster/);
  });
});
