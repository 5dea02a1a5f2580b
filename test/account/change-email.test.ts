import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const newEmail = "countess@example.com";
let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId);
});

const post = () => site.post("/account/email").set("Cookie", cookie);
const change = (email: unknown = newEmail) => post().type("form").send({ email });
/** The pending mails but the one to the old address. */
const pending = () => sql`
  select task_type, params
  from task
  where task_type <> 'SEND_EMAIL_ADDRESS_CHANGE_REQUESTED'
  order by task_id
`;
const notices = () => sql`
  select params - 'mail_cause_id' as params from task where task_type = 'SEND_EMAIL_ADDRESS_CHANGE_REQUESTED'
`;

describe("POST /account/email", () => {
  it("changes nothing yet, and enqueues a mail to the new address; no task holds the address", async () => {
    await change(" Countess@Example.com ").expect(303).expect("Location", "/account/email/sent");
    expect(await sql`select usr_id, old_email, new_email, confirmed_at from email_change`).toEqual([
      { usr_id: usrId, old_email: ada.email, new_email: newEmail, confirmed_at: null },
    ]);
    expect(await pending()).toEqual([
      { task_type: "SEND_EMAIL_CONFIRM_ADDRESS", params: { email_change_id: "1", version: 0 } },
    ]);
    expect(await sql`select from task where unique_key like '%@%'`).toEqual([]);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it("mails the owner of a taken address, and the response is the same", async () => {
    const other = await addUser(sql, { ...ada, email: newEmail });
    const seen = ({ status, headers, text }: request.Response) => ({ status, text, names: Object.keys(headers) });
    const taken = seen(await change());
    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_ALREADY_REGISTERED", params: { usr_id: other } }]);
    expect(await sql`select from email_change`).toHaveLength(0);
    expect(seen(await change("free@example.com"))).toEqual(taken);
  });

  it("enqueues one mail to the old address, also when the new one is taken, and not when it is refused", async () => {
    await change("not an address").expect(422);
    expect(await notices()).toEqual([]);
    await addUser(sql, { ...ada, email: newEmail });
    await change().expect(303);
    expect(await notices()).toEqual([{ params: { usr_id: usrId, version: 0 } }]);
    await change("free@example.com").expect(303);
    expect(await notices()).toHaveLength(1);
  });

  it("enqueues a mail to an address whose account is unverified: a stranger may have signed up with it", async () => {
    await addUser(sql, { ...ada, email: newEmail }, false);
    await change().expect(303);
    expect(await pending()).toEqual([
      { task_type: "SEND_EMAIL_CONFIRM_ADDRESS", params: { email_change_id: "1", version: 0 } },
    ]);
  });

  it("keeps one pending mail per address, and the response does not show it", async () => {
    for (let time = 0; time < 3; time += 1) await change().expect(303);
    expect(await pending()).toHaveLength(1);
    await change("other@example.com").expect(303);
    expect(await pending()).toHaveLength(2);
  });

  it("enqueues a mail to the same address again when another change has made the pending one void", async () => {
    await change().expect(303);
    await sql`update usr set version = version + 1`;
    cookie = await openSession(sql, usrId);
    await change().expect(303);
    expect((await pending()).map(({ params }) => params as object)).toEqual([
      { email_change_id: "1", version: 0 },
      { email_change_id: "2", version: 1 },
    ]);
  });

  it.each([
    ["no address", "", "Enter your email address"],
    ["the current address", "ADA@example.com", "already your email address"],
    ["a line break", "a@example.com\r\nBcc: b@example.com", "Enter an email address in the format"],
    ["a null byte", "a\0@example.com", "Enter an email address in the format"],
  ])("refuses %s, and keeps what was entered", async (_, email, message) => {
    const { text } = await change(email).expect(422);
    expect(text).toContain("<title>Error: Change your email address");
    expect(text).toContain(message);
    expect(text).toContain(`value="${email}"`);
    await post()
      .send({ email: [email] })
      .expect(422);
    expect(await pending()).toEqual([]);
  });

  it("takes 20 an hour from one network, whatever the addresses", async () => {
    const ask = (name: string) => change(`${name}@example.com`).set("X-Forwarded-For", "198.51.100.11");
    for (let time = 0; time < 20; time += 1) await ask(`a${time}`).expect(303);
    await ask("last").expect(429).expect("Retry-After", /^\d+$/);
    expect(await pending()).toHaveLength(20);
  });

  it("requires a log-in", async () => {
    await site.get("/account/email").expect(303).expect("Location", "/login");
    await site.post("/account/email").type("form").send({}).expect(303);
  });
});

describe("GET /account/email/sent", () => {
  it("names the new address, which is in no URL", async () => {
    const [sentTo = ""] = (await change()).get("Set-Cookie") ?? [];
    const { text } = await site.get("/account/email/sent").set("Cookie", `${cookie}; ${sentTo}`).expect(200);
    expect(text).toContain(newEmail);
  });
});
