import { beforeEach, describe, expect, it } from "vitest";
import type { Consumer } from "../../worker/events/consume.ts";
import { createDatabase, empty } from "../support/database.ts";
import { handler, isEmpty, runEngine } from "../support/engine.ts";
import { appendEvent } from "../support/feed.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
let consumed: string[];
const reader: Consumer = {
  name: "reader",
  consume: async (_tx, events) => void consumed.push(...events.map(({ event_type }) => event_type)),
};

beforeEach(async () => {
  consumed = [];
  await empty(sql);
});

describe("the subscriber loop", () => {
  it("wakes the engine for the tasks that a consumer enqueues", async () => {
    const enqueuing: Consumer = {
      name: "enqueuing",
      consume: (tx, events) => tx`insert into task ${tx(events.map(({ event_type }) => ({ task_type: event_type })))}`,
    };
    let done = 0;
    const count = handler(() => void (done += 1));
    const engine = await runEngine(database, { COUNT: count }, { consumers: [enqueuing] });
    await sql`insert into event (event_type) select 'COUNT' from generate_series(1, 2500)`;
    engine.wake();
    await until("all are done", async () => done === 2500 && (await isEmpty(sql)));
    expect(done).toBe(2500);
  });

  it("finds events of other programs without a notification", async () => {
    await runEngine(database, {}, { consumers: [reader] });
    await appendEvent(sql, "ONE");
    expect(await until("it is consumed", () => consumed.length > 0 && consumed)).toEqual(["ONE"]);
  });

  it("serves the other consumers when one fails, and counts the failing one as seen", async () => {
    let isFailing = true;
    const failing: Consumer = {
      name: "failing",
      async consume(tx, events) {
        if (isFailing) throw new Error("failed");
        await reader.consume(tx, events);
      },
    };
    await appendEvent(sql, "ONE");
    await sql`insert into event_consumer (name, seen_at) values ('failing', now() - interval '2 days')`;
    const engine = await runEngine(database, {}, { consumers: [failing, reader] });
    await until("the other one reads", () => consumed.length === 1);
    expect(engine.lines.find(({ consumer }) => consumer === "failing")?.msg).toMatch(/consumer failed/);
    await until("it counts as seen", async () => {
      return (await sql`select from event_consumer where seen_at > now() - interval '1 h'`).length === 2;
    });
    isFailing = false;
    engine.wake();
    expect(await until("both have read", () => consumed.length === 2 && consumed)).toEqual(["ONE", "ONE"]);
  });

  it("gives each consumer one batch in turn", async () => {
    const order: string[] = [];
    const consumer = (name: string): Consumer => ({ name, batch: 10, consume: async () => void order.push(name) });
    await sql`insert into event (event_type) select 'MANY' from generate_series(1, 40)`;
    await runEngine(database, {}, { consumers: [consumer("first"), consumer("second")] });
    await until("both have read", () => order.length === 8);
    expect(order).toEqual(["first", "second", "first", "second", "first", "second", "first", "second"]);
  });

  it("logs that a restored database needs its events renumbered", async () => {
    await sql`insert into event_consumer (name, position) values ('reader', row('9000000000', 1)::event_position)`;
    const engine = await runEngine(database, {}, { consumers: [reader] });
    const line = await until("it is logged", () => engine.lines.find(({ consumer }) => consumer === "reader"));
    expect(line.msg).toMatch(/consumer failed/);
    expect(JSON.stringify(line)).toMatch(/restored into a new cluster/);
  });
});
