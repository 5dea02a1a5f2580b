import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { logInOperator } from "../../ops/operators.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { enqueue } from "../../support/engine.ts";
import { serveApp } from "../../support/web.ts";
import { addWebhook, messageFor, secret, webhookChanges } from "../receiver.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { origin: "https://signup.example.com" }));
const url = "https://receiver.example.com/hooks?tenant=7";
const before = { url, event_types: ["SIGNED_UP"], per_second: 10 };
const same = { url, event_types: "SIGNED_UP", per_second: "10" };

let cookie: string;
let id: string;
beforeEach(async () => {
  await empty(sql);
  await sql`delete from webhook`;
  cookie = `__Host-${await logInOperator(sql)}`;
  id = await addWebhook(sql, url, { secret, event_types: ["SIGNED_UP"] });
});

const show = (path = `/ops/webhooks/${id}`) => site.get(path).set("Cookie", cookie);
const edit = (fields: object, path = `/ops/webhooks/${id}`) =>
  site
    .post(path)
    .set("Cookie", cookie)
    .type("form")
    .send({ ...same, ...fields });
const stored = () => sql`select url, event_types, per_second from webhook`;

describe("the form that edits an endpoint", () => {
  it("has its fields, and no secret", async () => {
    const { text } = await show().expect(200);
    for (const value of [url, "SIGNED_UP", "10"]) expect(text).toContain(`value="${value}"`);
    expect(text).not.toContain(secret);
    expect((await show("/ops/webhooks")).text).toContain(`href="/ops/webhooks/${id}"`);
  });

  it("changes the endpoint, once, keeps its secret, and writes the audit log", async () => {
    const fields = { url: "https://Other.example.com/\tnew", event_types: "MAIL_SENT, SIGNED_UP", per_second: "0.1" };
    await edit(fields).expect(303).expect("Location", "/ops/webhooks?edit");
    await edit(fields).expect(303).expect("Location", "/ops/webhooks?nothing");
    expect(await sql`select url, event_types, per_second, secret from webhook`).toEqual([
      {
        url: "https://other.example.com/new",
        event_types: ["MAIL_SENT", "SIGNED_UP"],
        per_second: expect.closeTo(0.1) as number,
        secret,
      },
    ]);
    expect(await webhookChanges(sql)).toEqual([{ data: { what: "edit", webhook_id: id }, who: "olga@example.com" }]);
  });

  it.each([
    ["no URL", { url: "" }, "address of the receiver"],
    ["plain http", { url: "http://receiver.example.com" }, "address of the receiver"],
    ["an event type of another kind", { event_types: "signed_up" }, "Enter event types separated by spaces"],
    ["a rate that is no number", { per_second: "many" }, "from 0.01 to 1000"],
  ])("refuses %s, and keeps what was typed", async (_, fields, message) => {
    const { text } = await edit({ url: `${url}&other`, ...fields }).expect(422);
    expect(text).toContain("<title>Error: Edit an endpoint");
    expect(text).toContain(message);
    expect(text).toContain(
      `value="${"url" in fields ? fields.url : "https://receiver.example.com/hooks?tenant=7&amp;other"}"`,
    );
    expect(await stored()).toEqual([before]);
  });

  it("refuses in JSON what comes as JSON", async () => {
    const post = (per_second: unknown) =>
      site
        .post(`/ops/webhooks/${id}`)
        .set("Cookie", cookie)
        .send({ ...same, per_second });
    await post(5).expect(422, { errors: { per_second: "Enter a number from 0.01 to 1000." } });
    await post("5").expect(204);
  });

  it("is 404 for an unknown endpoint, which no edit creates", async () => {
    for (const other of ["404", "x", "%00"]) await show(`/ops/webhooks/${other}`).expect(404);
    await edit({ url: "" }, "/ops/webhooks/404").expect(404);
    await edit({ per_second: "5" }, "/ops/webhooks/404").expect("Location", "/ops/webhooks?nothing");
    expect(await stored()).toEqual([before]);
  });
});

describe("an edit", () => {
  const inAnHour = { run_at: new Date(Date.now() + 3600_000) };
  const wait = (count: number) =>
    enqueue(sql, "POST_WEBHOOK", count, { params: sql.json(messageFor(id)), ...inAnHour });
  const seconds = async () =>
    (
      await sql<{ seconds: number }[]>`
        select extract(epoch from run_at - min(run_at) over ())::float8 as seconds from task order by run_at
      `
    ).map(({ seconds }) => Math.round(seconds * 10) / 10);

  it("forgets the failures of a receiver that is down, and makes its deliveries due at the rate", async () => {
    await sql`
      update webhook
      set failures = 7, pause_until = now() + interval '1 hour', last_error = 'down', line_at = now() + interval '1 day'
    `;
    await wait(3);
    await edit({ url: "https://other.example.com/", per_second: "5" });
    expect(
      await sql`
        select failures, pause_until, last_error, line_at < now() + interval '1 s' as is_at_once
        from webhook
      `,
    ).toEqual([{ failures: 0, pause_until: null, last_error: null, is_at_once: true }]);
    expect(await seconds()).toEqual([0, 0.2, 0.4]);
    expect(await sql`select from task where run_at <= now() + interval '1 s'`).toHaveLength(3);
  });

  it("that changes nothing ends no pause", async () => {
    await sql`update webhook set failures = 7, pause_until = now() + interval '1 hour'`;
    await wait(1);
    await edit({}).expect("Location", "/ops/webhooks?nothing");
    expect(await sql`select failures from webhook`).toEqual([{ failures: 7 }]);
    expect(await sql`select from task where run_at > now() + interval '50 min'`).toHaveLength(1);
  });

  it("leaves a disabled endpoint disabled, and its deliveries for the day when it is enabled", async () => {
    await sql`insert into webhook_disabled (webhook_id, reason) values (${id}, 'The receiver responded with 410.')`;
    await wait(2);
    await edit({ url: "https://other.example.com/" }).expect("Location", "/ops/webhooks?edit");
    expect(await sql`select from webhook_disabled`).toHaveLength(1);
    expect(await sql`select from task where run_at > now() + interval '50 min'`).toHaveLength(2);
    await site.post(`/ops/webhooks/${id}/enable`).set("Cookie", cookie).expect("Location", "/ops/webhooks?enable");
    expect(await sql`select from task where run_at <= now() + interval '1 s'`).toHaveLength(2);
  });
});
