import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { deadOf, emptyWebhooks, errorsOf, enqueueMessages, startDelivery } from "./deliver.ts";
import { isEmpty } from "../support/engine.ts";
import { addWebhook, messageFor, startReceiver } from "./receiver.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;

const deliver = () => startDelivery(database);
beforeEach(() => emptyWebhooks(sql));

describe("a receiver that is down", () => {
  it(
    "delays no other receiver, keeps the attempts of its deliveries, and gets them when it is back",
    { timeout: 90_000 },
    async () => {
      const [hanging, well] = [await startReceiver(), await startReceiver()];
      hanging.answer = () => {};
      const [down, up] = [await addWebhook(sql, hanging.url, { per_second: 1000 }), await addWebhook(sql, well.url)];
      await enqueueMessages(sql, down, 60);
      const engine = await deliver();
      await until("the first requests hang", () => hanging.requests.length > 0);
      await enqueueMessages(sql, up, 3);
      const enqueuedAt = performance.now();
      engine.wake();
      await until("the others are delivered", () => well.ids().size === 3);
      expect(performance.now() - enqueuedAt).toBeLessThan(8000);

      await until("it counts as down", async () => (await sql`select from webhook where failures >= 3`).length > 0, 40);
      await until("the others are snoozed", async () => {
        return (await sql`select from task where run_at <= now()`).length === 0;
      });
      const tried = hanging.requests.length;
      expect(tried).toBeLessThanOrEqual(8);
      expect((await errorsOf(sql)).length).toBeLessThanOrEqual(tried);

      hanging.answer = (response) => response.writeHead(200).end();
      await until(
        "it is back",
        async () => (await sql`select from webhook where webhook_id = ${down} and failures = 0`).length > 0,
        40,
      );
      // Repeated: deliveries that were running or found no slot may still be due only after the longest pause.
      const hurry = async () => {
        await sql`update task set run_at = now() where worker_id is null and run_at > now()`;
        engine.wake();
        return isEmpty(sql);
      };
      await until("all is delivered", hurry, 40);
      expect(hanging.ids().size).toBe(60);
    },
  );

  it("has all due deliveries snoozed at once, each to its own time", async () => {
    const count = 20_000;
    const receiver = await startReceiver();
    const down = await addWebhook(sql, "http://127.0.0.1:1", {
      failures: 5,
      pause_until: new Date(Date.now() + 3600_000),
    });
    await sql`
      insert into task (task_type, params)
      select 'POST_WEBHOOK', ${sql.json(messageFor(down))}
      from generate_series(1, ${count}::int)
    `;
    await enqueueMessages(sql, await addWebhook(sql, receiver.url));
    const enqueuedAt = performance.now();
    await deliver();
    await until("the other is delivered", () => receiver.requests.length > 0);
    expect(performance.now() - enqueuedAt).toBeLessThan(8000);

    await until("nothing is due", async () => {
      return (await sql`select from task where run_at <= now() or worker_id is not null limit 1`).length === 0;
    });
    expect(
      await sql`
        select count(*)::int, count(distinct run_at)::int as places, max(attempt)::int as attempts
        from task
      `,
    ).toEqual([{ count, places: count, attempts: 0 }]);
  });

  it("gets no delivery that is older than three days", async () => {
    const pause = { failures: 5, pause_until: new Date(Date.now() + 3600_000) };
    const down = await addWebhook(sql, "http://127.0.0.1:1", pause);
    await enqueueMessages(sql, down, 20);
    await sql`update task set created_at = now() - interval '73 hours'`;
    await enqueueMessages(sql, down, 20);
    await deliver();
    await until("the old ones are dead", async () => (await deadOf(sql)).length === 20);
    expect(new Set((await deadOf(sql)).map(({ reason }) => reason))).toEqual(
      new Set(["Not delivered within three days."]),
    );
    await until("the others are snoozed", async () => {
      return (await sql`select from task where run_at > now() and worker_id is null`).length === 20;
    });
  });

  it("is probed by one request at a time, less and less often", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(500).end();
    await enqueueMessages(sql, await addWebhook(sql, receiver.url, { failures: 3, pause_until: new Date(0) }), 10);
    await deliver();
    const [webhook] = await until("it was looked at", async () => {
      const rows = await sql<{ seconds: number }[]>`
        select extract(epoch from pause_until - now())::float8 as seconds from webhook where failures = 4
      `;
      return rows.length > 0 ? rows : undefined;
    });
    expect(receiver.requests).toHaveLength(1);
    expect(webhook!.seconds).toBeLessThanOrEqual(4);
    await until("its attempt has failed", async () => (await errorsOf(sql)).length > 0);
    expect(await errorsOf(sql)).toHaveLength(1);
  });
});
