import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { askToMove, emailOf } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const newEmail = "countess@example.com";
let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addOwner(sql);
  cookie = await openSession(sql, usrId);
});

const askFor = (email = newEmail, columns = {}) => askToMove(sql, usrId, email, columns);
const show = (token: string, as = cookie) => site.get("/account/email/confirm").query({ token }).set("Cookie", as);
const confirm = (token: unknown, as = cookie) =>
  site.post("/account/email/confirm").set("Cookie", as).type("form").send({ token });
const email = () => emailOf(sql, usrId);

describe("GET /account/email/confirm", () => {
  it("asks, and changes nothing", async () => {
    const { text } = await show(await askFor()).expect(200);
    expect(text).toContain(newEmail);
    expect(await email()).toBe(ada.email);
  });

  it("sends who is not logged in to do that, and says that the link is to be opened again", async () => {
    const token = await askFor();
    await show(token, "").expect(303).expect("Location", "/login?link");
    expect((await site.get("/login?link").expect(200)).text).toContain("open the link in your mail once more");
  });
});

describe("POST /account/email/confirm", () => {
  it("moves the account, and owes the old address a mail", async () => {
    const token = await askFor();
    await confirm(token).expect(303).expect("Location", "/account?email-changed");
    expect(await email()).toBe(newEmail);
    expect(await sql`select task_type, params from task`).toEqual([
      { task_type: "SEND_EMAIL_ADDRESS_CHANGED", params: { email_change_id: "1" } },
    ]);
    expect(await sql`select confirmed_at is not null as done from email_change`).toEqual([{ done: true }]);
  });

  it("goes on in this browser under a new token; other sessions, links and changes end", async () => {
    const other = await openSession(sql, usrId);
    await addLink(sql, "reset", usrId);
    await addLink(sql, "revert", usrId);
    const second = await askFor("third@example.com");
    const token = await askFor();
    const answer = await confirm(token);
    const next = (answer.get("Set-Cookie") ?? []).join().split(";")[0]!;

    await site.get("/account").set("Cookie", next).expect(200);
    await site.get("/account").set("Cookie", cookie).expect(303);
    await site.get("/account").set("Cookie", other).expect(303);
    await confirm(second, next).expect(410);
    await confirm(token, next).expect(410);
    expect(await sql`select purpose from email_token`).toEqual([{ purpose: "revert" }]);
    expect(await sql`select new_email from email_change`).toEqual([{ new_email: newEmail }]);
  });

  it("hands the account to nobody who only has the link: an address with a typo is a stranger's", async () => {
    const token = await askFor();
    const stranger = await openSession(sql, await addOwner(sql, { ...ada, email: "grace@example.com" }));
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
    const token = await askFor(newEmail, columns);
    await show(token).expect(410);
    await confirm(token).expect(410);
    expect(await email()).toBe(ada.email);
  });

  it("changes nothing when the account has another address by now", async () => {
    const token = await askFor();
    await sql`update usr set email = 'third@example.com'`;
    await confirm(token, await openSession(sql, usrId)).expect(410);
    expect(await email()).toBe("third@example.com");
  });

  it.each([undefined, "", "nonsense", ["a", "b"]])("has no use for the token %j", async (token) => {
    await confirm(token).expect(410);
  });

  it("lets mails to the new address go out again", async () => {
    await sql`insert into email_suppression (email, ends_at) values (${newEmail}, now() + interval '1 hour')`;
    await confirm(await askFor()).expect(303);
    expect(await sql`select from email_suppression`).toEqual([]);
  });

  it("takes the address from an account that never verified it", async () => {
    await addOwner(sql, { ...ada, email: newEmail }, false);
    await confirm(await askFor()).expect(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: newEmail }]);
  });

  it("changes nothing when the address has become another's", async () => {
    await addOwner(sql, { ...ada, email: newEmail });
    const token = await askFor();
    const { text } = await confirm(token).expect(409);
    expect(text).toContain("This address has another account now");
    const answer = await site.post("/account/email/confirm").set("Cookie", cookie).send({ token }).expect(409);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) as string });
    expect(await email()).toBe(ada.email);
    expect(await sql`select from task`).toHaveLength(0);
    await site.get("/account").set("Cookie", cookie).expect(200);
  });
});
