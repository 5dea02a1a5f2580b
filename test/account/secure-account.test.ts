import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, hasPassword, liveLinks, openSession, passwords, race } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { moveToNewEmail } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const chosen = "another good secret";
let usrId: string;
let token: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  token = await addLink(sql, "secure", usrId);
});

const show = (of = token) => site.get("/account/secure").query({ token: of });
const secure = (of: unknown = token) => site.post("/account/secure").type("form").send({ token: of });
const tasks = () => sql`select task_type, params - 'mail_cause_id' as params from task`;
const reset = { task_type: "SEND_EMAIL_PASSWORD_RESET", params: { usr_id: "1", because: "secured" } };

describe("GET /account/secure", () => {
  it("shows what will happen, and changes nothing", async () => {
    const { text } = await show().expect(200);
    expect(text).toContain(ada.email);
    expect(text).toContain("log you out in all browsers");
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    await secure().expect(303);
  });
});

describe("POST /account/secure", () => {
  it("ends all sessions, browsers, links and the password, and mails a link to choose a new one", async () => {
    const thief = (await site.post("/login").type("form").send(ada)).get("Set-Cookie")!.map((one) => one.split(";")[0]);
    await sql`delete from task`;
    for (const purpose of ["reset", "change", "secure", "revert"]) await addLink(sql, purpose, usrId);
    await secure().expect(303).expect("Location", "/account/secured");

    expect(await tasks()).toEqual([reset]);
    await site.get("/account").set("Cookie", thief.join("; ")).expect(303);
    expect(await liveLinks(sql)).toEqual([{ usr_id: usrId, purpose: "revert" }]);
    for (const password of [ada.password, "none", ""])
      await site
        .post("/login")
        .set("Cookie", thief.join("; "))
        .type("form")
        .send({ ...ada, password })
        .expect(422);
    expect((await site.get("/account/secured").expect(200)).text).toContain("Your account is secured");
    expect(await sql`select data from event where event_type = 'PASSWORD_CHANGED'`).toEqual([
      { data: { because: "secured" } },
    ]);
  });

  it("responds 204 to JSON, without a log-in", async () => {
    await site.post("/account/secure").send({ token }).expect(204);
  });

  it("works once", async () => {
    await secure().expect(303);
    await show().expect(410);
    const { text } = await secure().expect(410);
    expect(text).toContain('href="/password/forgot"');
    expect(await tasks()).toHaveLength(1);
  });

  it.each(["", "nonsense", "\0", ["a", "b"], { a: "b" }])("refuses the token %j", async (odd) => {
    await secure(odd).expect(410);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
  });

  it.each(["reset", "change", "revert", "verify"])(
    "refuses the link of a %s, which refuses this one",
    async (purpose) => {
      await secure(await addLink(sql, purpose, usrId)).expect(410);
      await site.post("/password/reset").type("form").send({ token, password: chosen }).expect(410);
      await site.post("/account/email/revert").type("form").send({ token }).expect(410);
    },
  );

  it("refuses an expired link, and one from before a change of address", async () => {
    await secure(await addLink(sql, "secure", usrId, { expires_at: new Date() })).expect(410);
    await moveToNewEmail(sql, usrId, "thief@example.com");
    await secure().expect(410);
  });

  it("refuses other sites", async () => {
    await secure().set("Sec-Fetch-Site", "cross-site").expect(403);
    expect(await tasks()).toEqual([]);
  });
});

describe("a link to secure an account that races", () => {
  it("with itself sends one mail", async () => {
    const responses = await race(sql, usrId, [() => secure(), () => secure()]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await tasks()).toEqual([reset]);
  });

  it("with a reset: the first wins", async () => {
    const choose = (link: string) => () =>
      site.post("/password/reset").type("form").send({ token: link, password: chosen });
    const first = await race(sql, usrId, [() => secure(), choose(await addLink(sql, "reset", usrId))]);
    expect(first.map(({ status }) => status)).toEqual([303, 410]);

    const [link, mine] = [await addLink(sql, "reset", usrId), await addLink(sql, "secure", usrId)];
    const second = await race(sql, usrId, [choose(link), () => secure(mine)]);
    expect(second.map(({ status }) => status)).toEqual([303, 410]);
    expect(await hasPassword(sql, usrId, chosen)).toBe(true);
  });

  it("with a change of password after it ends that session", async () => {
    const cookie = await openSession(sql, usrId);
    const change = () =>
      site.post("/account/password").set("Cookie", cookie).type("form").send({ new_password: chosen });
    const responses = await race(sql, usrId, [() => secure(), change]);
    expect(responses.map(({ headers }) => headers.location)).toEqual(["/account/secured", "/login?ended"]);
    expect(await hasPassword(sql, usrId, chosen)).toBe(false);
  });

  it("with a revert: both act, and the account has its old address", async () => {
    const back = await moveToNewEmail(sql, usrId, "thief@example.com");
    const mine = await addLink(sql, "secure", usrId);
    const revert = () => site.post("/account/email/revert").type("form").send({ token: back });
    const responses = await race(sql, usrId, [() => secure(mine), revert]);
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it("with a deletion before it responds 410", async () => {
    const cookie = await openSession(sql, usrId);
    const leave = () => site.post("/account/delete").set("Cookie", cookie).type("form").send({});
    const responses = await race(sql, usrId, [leave, () => secure()]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
  });
});
