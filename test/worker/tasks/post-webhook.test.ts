import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../../app/db.ts";
import { anyAddresses, outsideAddresses, type Address } from "../../../worker/outside-address.ts";
import { createPostOutside } from "../../../worker/post-outside.ts";
import { createReceiverRoom } from "../../../worker/receiver-room.ts";
import { postWebhook } from "../../../worker/tasks/post-webhook.ts";
import { askLeave } from "../../../worker/webhook-pace.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty, owe, runEngine } from "../../support/engine.ts";
import { addWebhook, isSigned, messageFor, secret, startReceiver } from "../../support/receiver.ts";
import { until } from "../../support/until.ts";

const database = await createDatabase();
const { sql } = database;

/** A worker that delivers webhooks; its receivers have half a second to answer. */
async function deliver(find: (host: string) => Promise<Address[]> = anyAddresses, concurrency = 10) {
  const handler = postWebhook(sql, createPostOutside(find, 0.5), createReceiverRoom(Math.ceil(concurrency / 5)));
  return runEngine(database, { POST_WEBHOOK: handler }, { concurrency });
}

beforeEach(
  () => sql`truncate task, task_error, task_dead, event, worker, webhook, webhook_disabled restart identity cascade`,
);

const oweMessages = async (webhookId: string, count = 1) => {
  for (let n = 0; n < count; n += 1) await owe(sql, "POST_WEBHOOK", 1, { params: sql.json(messageFor(webhookId)) });
};
const dead = () => sql<{ reason: string }[]>`select reason from task_dead order by task_id`;
const errors = async () => (await sql<{ error: string }[]>`select error from task_error`).map(({ error }) => error);
const secondsUntilNext = async () => {
  const [task] = await sql<{ seconds: number }[]>`
    select extract(epoch from run_at - now())::float8 as seconds from task where worker_id is null and attempt > 0
  `;
  return task?.seconds;
};

describe("POST_WEBHOOK", () => {
  it("posts what happened, signed, under an id of its own, and then nothing is owed", async () => {
    const receiver = await startReceiver();
    const webhookId = await addWebhook(sql, receiver.url, { secret });
    const message = messageFor(webhookId);
    await owe(sql, "POST_WEBHOOK", 1, { params: sql.json(message) });
    await deliver();
    await until("it is delivered", () => isEmpty(sql));

    const [request] = receiver.requests;
    const { type, timestamp, data } = message;
    expect(JSON.parse(request!.body)).toEqual({ type, timestamp, data });
    expect(request!.headers).toMatchObject({ "content-type": "application/json", "webhook-id": message.message_id });
    expect(Math.abs(Number(request!.headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(5);
    expect(isSigned(request!)).toBe(true);
    expect(receiver.requests).toHaveLength(1);
  });

  it("comes again under the same id when the receiver fails, with the answer in its history", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) =>
      response.writeHead(receiver.requests.length === 1 ? 500 : 200, { location: receiver.url }).end();
    await oweMessages(await addWebhook(sql, receiver.url));
    const engine = await deliver();
    const seconds = await until("it has failed", secondsUntilNext);
    expect(seconds).toBeGreaterThan(3);
    expect(seconds).toBeLessThan(11);
    expect(await errors()).toEqual(["The receiver answered 500."]);

    await sql`update task set run_at = now()`;
    engine.wake();
    await until("it is delivered", () => isEmpty(sql));
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.ids().size).toBe(1);
    expect(await sql`select failures, last_error from webhook`).toEqual([{ failures: 0, last_error: null }]);
  });

  it("follows no redirect", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(302, { location: receiver.url }).end();
    await oweMessages(await addWebhook(sql, receiver.url));
    await deliver();
    await until("it has failed", secondsUntilNext);
    expect(await errors()).toEqual(["The receiver answered 302."]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("backs off for at least two days, and four at most", () => {
    const handler = postWebhook(sql, () => Promise.reject(new Error()), createReceiverRoom(1));
    const waits = Array.from({ length: handler.maxAttempts - 1 }, (_, n) => handler.backoffSeconds(n + 1));
    const days = waits.reduce((sum, seconds) => sum + seconds, 0) / 86_400;
    expect(days).toBeGreaterThan(2);
    expect(days).toBeLessThan(4.5);
    expect(Math.max(...waits)).toBeLessThanOrEqual(6 * 3600);
  });

  it.each([429, 503])(
    "comes back when the receiver wants it after a %i, and lets it alone until then",
    async (status) => {
      const receiver = await startReceiver();
      receiver.answer = (response) => response.writeHead(status, { "retry-after": "100" }).end();
      const webhookId = await addWebhook(sql, receiver.url);
      await oweMessages(webhookId);
      const engine = await deliver();
      const seconds = await until("it has failed", secondsUntilNext);
      expect(seconds).toBeGreaterThan(95);
      expect(seconds).toBeLessThan(101);

      await sql`delete from task`;
      await oweMessages(webhookId);
      engine.wake();
      await until(
        "the next one is put off",
        async () => (await sql`select from task where run_at > now()`).length === 1,
      );
      expect(await sql`select attempt, run_at > now() + interval '90 seconds' as is_later from task`).toEqual([
        { attempt: 0, is_later: true },
      ]);
      expect(receiver.requests).toHaveLength(1);
    },
  );

  it("backs off for longer when the receiver's wish is short", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(503, { "retry-after": "1" }).end();
    await oweMessages(await addWebhook(sql, receiver.url));
    await sql`update task set attempt = 4`;
    await deliver();
    expect(await until("it has failed", secondsUntilNext)).toBeGreaterThan(600);
    expect(await sql`select pause_until < now() + interval '2 s' as is_short from webhook`).toEqual([
      { is_short: true },
    ]);
  });

  it("disables an endpoint that says 410; what is owed to it is dead, and can be retried", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(410).end();
    await oweMessages(await addWebhook(sql, receiver.url));
    const engine = await deliver();
    await until("it is dead", async () => (await dead()).length === 1);
    expect(await sql`select webhook_id, reason from webhook_disabled`).toEqual([
      { webhook_id: "1", reason: "The receiver answered 410." },
    ]);
    await oweMessages("1");
    engine.wake();
    await until("the next is dead, too", async () => (await dead()).length === 2);
    expect(await dead()).toEqual([
      { reason: "The receiver answered 410." },
      { reason: "The endpoint is disabled: The receiver answered 410." },
    ]);
    expect(receiver.requests).toHaveLength(1);
  });

  it("says what failed though it was tried at several addresses", async () => {
    await oweMessages(await addWebhook(sql, "http://receiver.example.com:1/"));
    const addresses = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    await deliver(() => Promise.resolve(addresses));
    await until("it has failed", secondsUntilNext);
    expect(await errors()).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });

  it("is done when the endpoint was deleted: nobody is left to tell", async () => {
    await oweMessages("404");
    await deliver();
    await until("nothing is owed", () => isEmpty(sql));
    expect(await dead()).toEqual([]);
  });

  it("never reaches a private address, by name or number", async () => {
    const receiver = await startReceiver();
    await oweMessages(await addWebhook(sql, receiver.url));
    await oweMessages(await addWebhook(sql, receiver.url.replace("127.0.0.1", "inside.example.com")));
    await deliver((host) => outsideAddresses(host, () => Promise.resolve(["127.0.0.1"])));
    await until("both have failed", async () => (await errors()).length === 2);
    const reason = "Its address is private, loopback, link-local or reserved: refused.";
    expect(await errors()).toEqual([reason, reason]);
    // A name may lead elsewhere tomorrow.
    expect(await dead()).toEqual([{ reason }]);
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("a receiver that is down", () => {
  it(
    "delays nobody else, keeps the attempts of what is owed to it, and is found to be back",
    { timeout: 90_000 },
    async () => {
      const [hanging, well] = [await startReceiver(), await startReceiver()];
      hanging.answer = () => {};
      const [down, up] = [await addWebhook(sql, hanging.url, { per_second: 1000 }), await addWebhook(sql, well.url)];
      await oweMessages(down, 60);
      const engine = await deliver();
      await until("the first requests hang", () => hanging.requests.length > 0);
      await oweMessages(up, 3);
      const owedAt = performance.now();
      engine.wake();
      await until("the others are delivered", () => well.ids().size === 3);
      expect(performance.now() - owedAt).toBeLessThan(8000);

      await until("it counts as down", async () => (await sql`select from webhook where failures >= 3`).length > 0, 40);
      await until("the others are put off", async () => {
        return (await sql`select from task where run_at <= now()`).length === 0;
      });
      const tried = hanging.requests.length;
      expect(tried).toBeLessThanOrEqual(8);
      expect((await errors()).length).toBeLessThanOrEqual(tried);

      hanging.answer = (response) => response.writeHead(200).end();
      await until(
        "it is back",
        async () => (await sql`select from webhook where webhook_id = ${down} and failures = 0`).length > 0,
        40,
      );
      await sql`update task set run_at = now()`;
      engine.wake();
      await until("all is delivered", () => isEmpty(sql), 40);
      expect(hanging.ids().size).toBe(60);
    },
  );

  it("has all that is due to it put off at once, each to a place of its own", async () => {
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
    await oweMessages(await addWebhook(sql, receiver.url));
    const owedAt = performance.now();
    await deliver();
    await until("the other is delivered", () => receiver.requests.length > 0);
    expect(performance.now() - owedAt).toBeLessThan(8000);

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

  it("is told no more what it has not had within three days", async () => {
    const pause = { failures: 5, pause_until: new Date(Date.now() + 3600_000) };
    const down = await addWebhook(sql, "http://127.0.0.1:1", pause);
    await oweMessages(down, 20);
    await sql`update task set created_at = now() - interval '73 hours'`;
    await oweMessages(down, 20);
    await deliver();
    await until("the old ones are dead", async () => (await dead()).length === 20);
    expect(new Set((await dead()).map(({ reason }) => reason))).toEqual(new Set(["Not delivered within three days."]));
    await until("the others are put off", async () => {
      return (await sql`select from task where run_at > now() and worker_id is null`).length === 20;
    });
  });

  it("is looked at by one request at a time, ever more seldom", async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(500).end();
    await oweMessages(await addWebhook(sql, receiver.url, { failures: 3, pause_until: new Date(0) }), 10);
    await deliver();
    const [webhook] = await until("it was looked at", async () => {
      const rows = await sql<{ seconds: number }[]>`
        select extract(epoch from pause_until - now())::float8 as seconds from webhook where failures = 4
      `;
      return rows.length > 0 ? rows : undefined;
    });
    expect(receiver.requests).toHaveLength(1);
    expect(webhook!.seconds).toBeLessThanOrEqual(4);
    expect(await errors()).toHaveLength(1);
  });
});

describe("the rate of an endpoint", () => {
  it("holds over all workers together, however many tasks are due at once", async () => {
    const receiver = await startReceiver();
    await oweMessages(await addWebhook(sql, receiver.url, { per_second: 20 }), 50);
    await Promise.all([deliver(), deliver()]);
    await until("all are delivered", () => isEmpty(sql), 15);

    expect(receiver.ids().size).toBe(50);
    expect(receiver.requests).toHaveLength(50);
    const times = receiver.requests.map(({ at }) => at);
    // On the whole: how close together two of them arrive is up to what a busy machine adds to the way of the first.
    expect(times.at(-1)! - times[0]!).toBeGreaterThan((49 / 20) * 1000 - 250);
    expect(await errors()).toEqual([]);
  });
});

it("counts slots apart by the rate, whoever asks and however many at once", async () => {
  const other = connect({ DATABASE_URL: database.url, DATABASE_SSL: "off", DATABASE_POOL: 10 }, "test other worker");
  const webhookId = await addWebhook(sql, "https://receiver.example.com", { per_second: 100 });
  const asked = await Promise.all(
    Array.from({ length: 200 }, (_, n) => askLeave(n % 2 ? sql : other, webhookId, false)),
  );
  await other.end();

  const slots = asked.filter((leave) => leave?.obstacle === null).map((leave) => leave!.sent_at);
  const gaps = slots.toSorted((a, b) => a - b).map((at, n, all) => at - (all[n - 1] ?? 0));
  expect(slots.length).toBeGreaterThanOrEqual(100);
  expect(Math.min(...gaps)).toBeGreaterThan(0.009_99);
  const places = asked.filter((leave) => leave?.obstacle !== null).map((leave) => leave!.wait_seconds);
  expect(places.every((seconds) => seconds > 0.5)).toBe(true);
});
