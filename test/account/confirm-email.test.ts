import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, liveLinks, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { requestEmailChange, emailOf } from "../support/email-changes.ts";
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

const requestChange = (email = newEmail, columns = {}) => requestEmailChange(sql, usrId, email, columns);
const show = (token: string, as = cookie) => site.get("/account/email/confirm").query({ token }).set("Cookie", as);
const confirm = (token: unknown, as = cookie) =>
  site.post("/account/email/confirm").set("Cookie", as).type("form").send({ token });
const email = () => emailOf(sql, usrId);

describe("GET /account/email/confirm", () => {
  it("asks, and changes nothing", async () => {
    const { text } = await show(await requestChange()).expect(200);
    expect(text).toContain(newEmail);
    expect(await email()).toBe(ada.email);
  });

  it("asks for a log-in first, and says that the link must be opened again", async () => {
    const token = await requestChange();
    await show(token, "").expect(303).expect("Location", "/login?link");
    expect((await site.get("/login?link").expect(200)).text).toContain("open the link in the email again");
  });
});

describe("POST /account/email/confirm", () => {
  it("changes the address, and enqueues a mail to the old one", async () => {
    const token = await requestChange();
    await confirm(token).expect(303).expect("Location", "/account?email-changed");
    expect(await email()).toBe(newEmail);
    expect(await sql`select task_type, params - 'mail_cause_id' as params from task`).toEqual([
      { task_type: "SEND_EMAIL_ADDRESS_CHANGED", params: { usr_id: usrId, email_change_id: "1" } },
    ]);
    expect(await sql`select confirmed_at is not null as done from email_change`).toEqual([{ done: true }]);
  });

  it("gives this session a new token, and ends the other sessions and links", async () => {
    const other = await openSession(sql, usrId);
    await addLink(sql, "reset", usrId);
    await addLink(sql, "revert", usrId);
    const second = await requestChange("third@example.com");
    const token = await requestChange();
    const response = await confirm(token);
    const next = (response.get("Set-Cookie") ?? []).join().split(";")[0]!;

    await site.get("/account").set("Cookie", next).expect(200);
    await site.get("/account").set("Cookie", cookie).expect(303);
    await site.get("/account").set("Cookie", other).expect(303);
    await confirm(second, next).expect(410);
    await confirm(token, next).expect(410);
    expect(await liveLinks(sql)).toEqual([{ usr_id: usrId, purpose: "revert" }]);
    expect(await sql`select new_email from email_change where confirmed_at is not null`).toEqual([
      { new_email: newEmail },
    ]);
  });

  it("refuses the link without a log-in to the account: a mistyped address belongs to a stranger", async () => {
    const token = await requestChange();
    const stranger = await openSession(sql, await addUser(sql, { ...ada, email: "grace@example.com" }));
    await show(token, stranger).expect(410, /logged in as grace@example\.com/);
    await confirm(token, stranger).expect(410);
    await confirm(token, "").expect(303).expect("Location", "/login?link");
    await site.post("/account/email/confirm").send({ token }).expect(401);
    expect(await email()).toBe(ada.email);
    await confirm(token).expect(303);
  });

  it.each([
    ["has expired", { expires_at: new Date(0) }],
    ["was for another purpose", { purpose: "revert" }],
  ])("changes nothing when the link %s", async (_, columns) => {
    const token = await requestChange(newEmail, columns);
    await show(token).expect(410);
    await confirm(token).expect(410);
    expect(await email()).toBe(ada.email);
  });

  it("changes nothing when the account has another address by now", async () => {
    const token = await requestChange();
    await sql`update usr set email = 'third@example.com', version = version + 1`;
    await confirm(token, await openSession(sql, usrId)).expect(410);
    expect(await email()).toBe("third@example.com");
  });

  it("asks for a proof when the last one is old, and then goes on", async () => {
    const token = await requestChange();
    const old = await openSession(sql, usrId, { proved_at: new Date(0) });
    const to = `/account/email/confirm?token=${token}`;
    const { headers } = await show(token, old).expect(303);
    expect(headers.location).toBe(`/proof?${new URLSearchParams({ to }).toString()}`);
    const { text } = await confirm(token, old).expect(403);
    expect(text).toContain(`name="token" value="${token}"`);
    expect(await email()).toBe(ada.email);

    const prove = site.post("/proof").set("Cookie", old).type("form");
    await prove.send({ password: ada.password, to }).expect(303).expect("Location", to);
    await show(token, old).expect(200);
    await confirm(token, old).expect(303);
    expect(await email()).toBe(newEmail);
  });

  it.each([undefined, "", "nonsense", ["a", "b"]])("refuses the token %j", async (token) => {
    await confirm(token).expect(410);
  });

  it("takes the address from an account that never verified it", async () => {
    await addUser(sql, { ...ada, email: newEmail }, false);
    await confirm(await requestChange()).expect(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: newEmail }]);
  });

  it("changes nothing when a verified account has the address", async () => {
    await addUser(sql, { ...ada, email: newEmail });
    const token = await requestChange();
    const { text } = await confirm(token).expect(409);
    expect(text).toContain("Another account uses this address");
    const response = await site.post("/account/email/confirm").set("Cookie", cookie).send({ token }).expect(409);
    expect(JSON.parse(response.text)).toEqual({ error: expect.any(String) as string });
    expect(await email()).toBe(ada.email);
    expect(await sql`select from task`).toHaveLength(0);
    await site.get("/account").set("Cookie", cookie).expect(200);
  });
});
