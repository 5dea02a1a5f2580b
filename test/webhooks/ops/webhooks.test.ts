import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { logInOperator } from "../../ops/operators.ts";
import { addWebhook, secret, webhookChanges } from "../receiver.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { origin: "https://signup.example.com" }));
const url = "https://receiver.example.com/hooks?tenant=7";

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  await sql`delete from webhook`;
  cookie = `__Host-${await logInOperator(sql)}`;
});

const show = () => site.get("/ops/webhooks").set("Cookie", cookie);
const post = (path: string, fields: object = {}) => site.post(path).set("Cookie", cookie).type("form").send(fields);
const register = (fields: object = {}) =>
  post("/ops/webhooks", { url, secret, event_types: "", per_second: "5", ...fields });
const registered = () => sql`select url, secret, event_types, per_second from webhook`;

describe("the page of webhooks", () => {
  it("is 404 for all but operators", async () => {
    const webhookId = await addWebhook(sql, url);
    const owner = `__Host-${await openSession(sql, await addUser(sql))}`;
    for (const other of ["", owner]) {
      await site.get("/ops/webhooks").set("Cookie", other).expect(404);
      await site.post("/ops/webhooks").set("Cookie", other).type("form").send({ url, secret }).expect(404);
      await site.post(`/ops/webhooks/${webhookId}/delete`).set("Cookie", other).expect(404);
    }
    expect(await registered()).toHaveLength(1);
  });

  it("shows each endpoint and its state, and never a secret in use", async () => {
    await addWebhook(sql, url, { secret, event_types: ["SIGNED_UP", "TASK_DEAD"] });
    await addWebhook(sql, `${url}&two`, { failures: 4, last_error: "The receiver responded with 500." });
    await sql`insert into webhook_disabled (webhook_id, reason) values (1, 'The receiver responded with 410.')`;
    const { text } = await show().expect(200);
    expect(text).toContain("receiver.example.com/hooks?tenant=7");
    expect(text).toContain("SIGNED_UP, TASK_DEAD; at most 10 per second");
    expect(text).toContain("Disabled. The receiver responded with 410.");
    expect(text).toContain("Failed 4 times in a row. The receiver responded with 500.");
    expect(text).not.toContain(secret);
  });

  it("is linked from the operations page", async () => {
    expect((await site.get("/ops").set("Cookie", cookie).expect(200)).text).toContain('href="/ops/webhooks"');
  });

  it("offers a fresh secret of 32 bytes each time", async () => {
    const [one, other] = [(await show()).text, (await show()).text].map((text) => /whsec_[\w+/]{43}=/.exec(text)?.[0]);
    expect(one).toBeDefined();
    expect(other).not.toBe(one);
  });
});

describe("POST /ops/webhooks", () => {
  it("registers an endpoint, and writes the audit log", async () => {
    await register({ event_types: " SIGNED_UP, MAIL_SENT SIGNED_UP" })
      .expect(303)
      .expect("Location", "/ops/webhooks?registered");
    expect(await registered()).toEqual([{ url, secret, event_types: ["SIGNED_UP", "MAIL_SENT"], per_second: 5 }]);
    expect(await webhookChanges(sql)).toEqual([
      { data: { what: "register", webhook_id: "1" }, who: "olga@example.com" },
    ]);
  });

  it("registers one endpoint when the form is sent twice, and no two endpoints with one secret", async () => {
    await register().expect(303);
    await register().expect(303);
    const { text } = await register({ url: "https://other.example.com" }).expect(422);
    expect(text).toContain("Another endpoint has this secret");
    expect(await registered()).toHaveLength(1);
    expect(await webhookChanges(sql)).toHaveLength(1);
  });

  it("stores the URL as browsers write it", async () => {
    await register({ url: "https://RECEIVER.example.com:443/ho\r\noks/é?tenant=\t7" }).expect(303);
    expect(await registered()).toMatchObject([{ url: "https://receiver.example.com/hooks/%C3%A9?tenant=7" }]);
  });

  it("refuses a URL with a NUL anywhere", async () => {
    for (const odd of [
      "https://receiver.example.com/\0",
      "https://receiver.example.com/a\0b",
      "https://a\0b.example.com",
    ])
      await register({ url: odd }).expect(422);
    expect(await registered()).toEqual([]);
  });

  it.each([
    ["no URL", { url: "" }, "address of the receiver"],
    ["plain http", { url: "http://receiver.example.com" }, "address of the receiver"],
    ["another scheme", { url: "file:///etc/passwd" }, "address of the receiver"],
    ["a password in the URL", { url: "https://ada:hush@receiver.example.com" }, "address of the receiver"],
    ["a secret that is short", { secret: "whsec_c2hvcnQ=" }, "24 to 64 random bytes"],
    ["a secret of another kind", { secret: "hush".repeat(10) }, "24 to 64 random bytes"],
    ["an event type of another kind", { event_types: "signed_up" }, "Enter event types separated by spaces"],
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
