import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addOwner, openSession } from "../../support/accounts.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { owe } from "../../support/engine.ts";
import { logInOperator } from "../../support/operators.ts";
import { addWebhook, messageFor, secret } from "../../support/receiver.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { origin: "https://signup.example.com" }));
const url = "https://receiver.example.com/hooks?tenant=7";

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  await sql`truncate event, webhook, webhook_disabled restart identity`;
  cookie = `__Host-${await logInOperator(sql)}`;
});

const show = () => site.get("/ops/webhooks").set("Cookie", cookie);
const post = (path: string, fields: object = {}) => site.post(path).set("Cookie", cookie).type("form").send(fields);
const register = (fields: object = {}) =>
  post("/ops/webhooks", { url, secret, event_types: "", per_second: "5", ...fields });
const registered = () => sql`select url, secret, event_types, per_second from webhook`;
const acts = () => sql`
  select data, email as who
  from event
  join usr using (usr_id)
  where event_type = 'OPERATOR_ACTED'
  order by event_id
`;

describe("the page of webhooks", () => {
  it("is not there for anybody but operators", async () => {
    const webhookId = await addWebhook(sql, url);
    const owner = `__Host-${await openSession(sql, await addOwner(sql))}`;
    for (const other of ["", owner]) {
      await site.get("/ops/webhooks").set("Cookie", other).expect(404);
      await site.post("/ops/webhooks").set("Cookie", other).type("form").send({ url, secret }).expect(404);
      await site.post(`/ops/webhooks/${webhookId}/delete`).set("Cookie", other).expect(404);
    }
    expect(await registered()).toHaveLength(1);
  });

  it("shows each endpoint and how it fares, and never a secret that is in use", async () => {
    await addWebhook(sql, url, { secret, event_types: ["SIGNED_UP", "TASK_DEAD"] });
    await addWebhook(sql, `${url}&two`, { failures: 4, last_error: "The receiver answered 500." });
    await sql`insert into webhook_disabled (webhook_id, reason) values (1, 'The receiver answered 410.')`;
    const { text } = await show().expect(200);
    expect(text).toContain("receiver.example.com/hooks?tenant=7");
    expect(text).toContain("SIGNED_UP, TASK_DEAD; at most 10 per second");
    expect(text).toContain("Disabled. The receiver answered 410.");
    expect(text).toContain("Failed 4 times in a row. The receiver answered 500.");
    expect(text).not.toContain(secret);
  });

  it("offers a fresh secret of 32 bytes each time", async () => {
    const [one, other] = [(await show()).text, (await show()).text].map((text) => /whsec_[\w+/]{43}=/.exec(text)?.[0]);
    expect(one).toBeDefined();
    expect(other).not.toBe(one);
  });
});

describe("POST /ops/webhooks", () => {
  it("registers an endpoint, and writes down who did", async () => {
    await register({ event_types: " SIGNED_UP, MAIL_SENT SIGNED_UP" })
      .expect(303)
      .expect("Location", "/ops/webhooks?registered");
    expect(await registered()).toEqual([{ url, secret, event_types: ["SIGNED_UP", "MAIL_SENT"], per_second: 5 }]);
    expect(await acts()).toEqual([{ data: { what: "register webhook", webhook_id: "1" }, who: "olga@example.com" }]);
  });

  it("registers once what is sent twice, and no two endpoints with one secret", async () => {
    await register().expect(303);
    await register().expect(303);
    const { text } = await register({ url: "https://other.example.com" }).expect(422);
    expect(text).toContain("Another endpoint has this secret");
    expect(await registered()).toHaveLength(1);
    expect(await acts()).toHaveLength(1);
  });

  it.each([
    ["no URL", { url: "" }, "address of the receiver"],
    ["plain http", { url: "http://receiver.example.com" }, "address of the receiver"],
    ["another scheme", { url: "file:///etc/passwd" }, "address of the receiver"],
    ["a password in the URL", { url: "https://ada:hush@receiver.example.com" }, "address of the receiver"],
    ["a secret that is short", { secret: "whsec_c2hvcnQ=" }, "24 to 64 random bytes"],
    ["a secret of another kind", { secret: "hush".repeat(10) }, "24 to 64 random bytes"],
    ["an event type of another kind", { event_types: "signed_up" }, "Event types look like"],
    ["no rate", { per_second: "0" }, "from 0.01 to 1000"],
    ["a rate that is no number", { per_second: "many" }, "from 0.01 to 1000"],
  ])("refuses %s, and keeps what was typed", async (_, fields, message) => {
    const { text } = await register(fields).expect(422);
    expect(text).toContain("<title>Error: Webhooks");
    expect(text).toContain(message);
    expect(text).toContain(`value="${"url" in fields ? fields.url : url}"`);
    expect(await registered()).toEqual([]);
  });
});

describe("the buttons of an endpoint", () => {
  let id: string;
  beforeEach(async () => {
    id = await addWebhook(sql, url);
  });
  const act = (action: string) => post(`/ops/webhooks/${id}/${action}`);

  it.each(["disable", "test", "delete"])("%s does it once, and writes down who did", async (action) => {
    await act(action).expect(303).expect("Location", `/ops/webhooks?${action}`);
    await act(action).expect(303).expect("Location", "/ops/webhooks?nothing");
    expect(await acts()).toEqual([{ data: { what: `${action} webhook`, webhook_id: id }, who: "olga@example.com" }]);
  });

  it("owe a test event, and not another while it is open", async () => {
    await act("test");
    await act("test");
    expect(await sql`select task_type, params - 'timestamp' as params from task`).toEqual([
      {
        task_type: "POST_WEBHOOK",
        params: {
          webhook_id: id,
          message_id: expect.stringMatching(/^msg_test_[\w-]{36}$/) as string,
          type: "TEST",
          data: {},
        },
      },
    ]);
  });

  it("enable what is disabled, and end a pause, once", async () => {
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    await act("disable");
    await sql`update webhook set failures = 5, pause_until = now() + interval '1 hour', line_at = now() + interval '1 hour'`;
    expect((await show()).text).toContain("Disabled by an operator.");
    await act("enable").expect("Location", "/ops/webhooks?enable");
    expect(
      await sql`
        select failures, pause_until, line_at <= now() as is_at_once, (select count(*) from webhook_disabled)::int as disabled
        from webhook
      `,
    ).toEqual([{ failures: 0, pause_until: null, is_at_once: true, disabled: 0 }]);
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    expect(await acts()).toHaveLength(2);
  });

  it("make what was put off due again when a pause ends, at the endpoint's rate", async () => {
    const later = { run_at: new Date(Date.now() + 3600_000) };
    await owe(sql, "POST_WEBHOOK", 3, { params: sql.json(messageFor(id)), ...later });
    await owe(sql, "POST_WEBHOOK", 1, { params: sql.json(messageFor(`${id}1`)), ...later });
    const waits = async () =>
      (
        await sql<{ seconds: number }[]>`
          select extract(epoch from run_at - min(run_at) over ())::float8 as seconds from task order by run_at
        `
      ).map(({ seconds }) => Math.round(seconds * 10) / 10);
    await act("enable").expect("Location", "/ops/webhooks?nothing");
    expect(await waits()).toEqual([0, 0, 0, 0]);

    await sql`update webhook set failures = 5, pause_until = now() + interval '1 hour'`;
    await act("enable").expect("Location", "/ops/webhooks?enable");
    expect(await waits()).toEqual([0, 0.1, 0.2, expect.closeTo(3600, -2)]);
    expect(await sql`select from task where run_at <= now() + interval '1 s'`).toHaveLength(3);
  });

  it("know no other actions, and no other endpoints", async () => {
    await act("explode").expect(404);
    await post("/ops/webhooks/x/delete").expect(404);
    await post("/ops/webhooks/404/delete").expect(303).expect("Location", "/ops/webhooks?nothing");
    expect(await registered()).toHaveLength(1);
  });
});
