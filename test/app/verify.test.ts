import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, hasPassword, meet, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const show = (token: string, cookie = "") => site.get("/verify").query({ token }).set("Cookie", cookie);
const verify = (body: object, cookie = "") => site.post("/verify").type("form").send(body).set("Cookie", cookie);
const sessionOf = (answer: request.Response) => /session=[\w-]{43}/.exec(answer.get("Set-Cookie")?.join() ?? "")?.[0];
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);
const verified = () => sql`select usr_id from email_verified`;

/** Signs up as a browser does: the cookie that it keeps, and the link in its mail. */
async function signUp(person = ada): Promise<{ cookie: string; token: string; usrId: string }> {
  const answer = await site.post("/signup").type("form").send(person).expect(303);
  const cookie = /signup=[\w-]+/.exec(answer.get("Set-Cookie")!.join())![0];
  const [user] = await sql<{ usr_id: string }[]>`select usr_id from usr where email = ${person.email}`;
  return { cookie, token: await addLink(sql, "verify", user!.usr_id), usrId: user!.usr_id };
}

describe("the link in the mail, opened", () => {
  it("changes nothing, and asks for one click in the browser that signed up", async () => {
    const { cookie, token } = await signUp();
    const { text } = await show(token, cookie).expect(200).expect("Cache-Control", "no-store");
    expect(text).toContain("Verify and log in");
    expect(text).toContain(ada.email);
    expect(text).not.toContain('type="password"');
    expect(await verified()).toEqual([]);
  });

  it.each(["", "signup=", `signup=${"A".repeat(43)}`, `session=${"A".repeat(43)}`])(
    "asks for a new password in a browser with the cookie «%s»",
    async (cookie) => {
      const { token } = await signUp();
      const { text } = await show(token, cookie).expect(200);
      expect(text).toContain('autocomplete="new-password"');
      expect(text).toMatch(/value="ada@example.com" autocomplete="username"/);
      expect(text).toContain(`href="/signup/refuse?token=${token}"`);
    },
  );

  it("asks everybody for a new password when no signup wrote the user", async () => {
    const token = await addLink(sql, "verify", await addOwner(sql, ada, false));
    expect((await show(token)).text).toContain('autocomplete="new-password"');
    await verify({ token }).expect(422);
    expect(await verified()).toEqual([]);
  });

  it("says that there is nothing left to do when the address is verified", async () => {
    const token = await addLink(sql, "verify", await addOwner(sql));
    expect((await show(token).expect(200)).text).toContain("Your address is verified");
  });

  it.each(["", "nonsense", "%00", "%ff", "%ed%a0%80", "x".repeat(5000)])("is of no use with %j", async (token) => {
    await site.get(`/verify?token=${token}`).expect(410);
    await site.get(`/verify?token=${token}&token=${token}`).expect(410);
    await verify({ token }).expect(410);
    await verify({ token, password }).expect(410);
  });

  it.each([
    ["expired", { expires_at: new Date(Date.now() - 1000) }],
    ["made for another address", { email: "before@example.com" }],
    ["made for another purpose", { purpose: "reset" }],
  ])("is of no use when it is %s", async (_, columns) => {
    const { cookie, usrId } = await signUp();
    const token = await addLink(sql, "verify", usrId, columns);
    await show(token, cookie).expect(410, /Send me a new link/);
    await verify({ token }, cookie).expect(410);
    await verify({ token, password }).expect(410);
    expect(await verified()).toEqual([]);
  });
});

describe("POST /verify in the browser that signed up", () => {
  it("verifies and logs in, and the password stays", async () => {
    const { cookie, token, usrId } = await signUp();
    const answer = await verify({ token }, cookie).expect(303).expect("Location", "/account");

    await account(sessionOf(answer)).expect(200, /ada@example\.com/);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await verified()).toEqual([{ usr_id: usrId }]);
  });

  it("works once, forgets the browser, and ends links of other purposes; then every welcome says that it is done", async () => {
    const { cookie, token, usrId } = await signUp();
    const second = await addLink(sql, "verify", usrId);
    await addLink(sql, "reset", usrId);
    await verify({ token }, cookie).expect(303);

    for (const used of [token, second]) {
      const { text, headers } = await verify({ token: used, password }, cookie).expect(200);
      expect(text).toContain("Your address is verified");
      expect(headers["set-cookie"]).toBeUndefined();
      await show(used).expect(200, /Log in/);
    }
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await sql`select distinct purpose from email_token`).toEqual([{ purpose: "verify" }]);
    expect(await sql`select browser_hash from usr`).toEqual([{ browser_hash: null }]);
  });

  it("lets mails to the address go out again", async () => {
    const { cookie, token } = await signUp();
    await sql`insert into mail_stop (email, ends_at) values (${ada.email}, now() + interval '1 hour')`;
    await verify({ token }, cookie).expect(303);
    expect(await sql`select from mail_stop`).toEqual([]);
  });

  it("ends every session that the account had", async () => {
    const { cookie, token, usrId } = await signUp();
    const former = await openSession(sql, usrId);
    await verify({ token }, cookie).expect(303);
    await account(former).expect(303);
  });

  it("ends the session that the browser had", async () => {
    const former = await openSession(sql, await addOwner(sql, { ...ada, email: "grace@example.com" }));
    const { cookie, token } = await signUp();
    await verify({ token }, `${cookie}; ${former}`).expect(303);
    await account(former).expect(303);
  });

  it("asks for the password when another signup for the address came from this browser", async () => {
    const { token } = await signUp();
    const later = await signUp({ ...ada, password });
    await verify({ token }, later.cookie).expect(422, /Choose a password/);
    expect(await verified()).toEqual([]);
  });
});

describe("POST /verify in another browser", () => {
  it("makes the new password the account's, and logs in", async () => {
    const { token, usrId } = await signUp();
    const answer = await verify({ token, password }).expect(303);

    await account(sessionOf(answer)).expect(200);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(false);
  });

  it("leaves nothing to somebody who signed up with the address of another", async () => {
    const thief = await signUp();
    const session = await openSession(sql, thief.usrId);
    await verify({ token: thief.token, password }).expect(303);

    await account(session).expect(303);
    await site.post("/login").type("form").send(ada).expect(422);
    const { headers } = await verify({ token: thief.token }, thief.cookie).expect(200);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it.each(["", "too short", "passwordpassword", ["twelve engines hum"], "\ud800 twelve engines hum"])(
    "refuses the password %j, and keeps the link",
    async (bad) => {
      const { token, usrId } = await signUp();
      const { text } = await site.post("/verify").send({ token, password: bad }).expect(422);
      expect(JSON.parse(text)).toEqual({ errors: { password: expect.any(String) as string } });
      expect(await verified()).toEqual([]);
      expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
      await verify({ token, password }).expect(303);
    },
  );

  it("never changes the password of a verified account", async () => {
    const usrId = await addOwner(sql);
    const token = await addLink(sql, "verify", usrId);
    const { text, headers } = await verify({ token, password });
    expect(text).toContain("Your address is verified");
    expect(headers["set-cookie"]).toBeUndefined();
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
  });
});

describe("POST /verify, in a race", () => {
  it("lets the first of two new passwords win", async () => {
    const { token, usrId } = await signUp();
    const [first, second] = await meet(sql, usrId, [
      () => verify({ token, password }),
      () => verify({ token, password: "a third good secret" }),
    ]);

    expect([first!.status, second!.status]).toEqual([303, 200]);
    expect(sessionOf(second!)).toBeUndefined();
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await sql`select from session`).toHaveLength(1);
  });

  it("begins one session on two clicks", async () => {
    const { token, usrId, cookie } = await signUp();
    const click = () => verify({ token }, cookie);
    const answers = await meet(sql, usrId, [click, click]);
    expect(answers.map(({ status }) => status)).toEqual([303, 200]);
    expect(await sql`select from session`).toHaveLength(1);
  });

  it("beats a refusal that comes after it", async () => {
    const { token, usrId, cookie } = await signUp();
    const [verification, refusal] = await meet(sql, usrId, [
      () => verify({ token }, cookie),
      () => site.post("/signup/refuse").type("form").send({ token }),
    ]);
    expect([verification!.status, refusal!.status]).toEqual([303, 410]);
    await account(sessionOf(verification!)).expect(200);
    expect(await sql`select from mail_stop`).toEqual([]);
  });

  it("is of no use after a refusal that came before it", async () => {
    const { token, usrId, cookie } = await signUp();
    const [refusal, verification] = await meet(sql, usrId, [
      () => site.post("/signup/refuse").type("form").send({ token }),
      () => verify({ token }, cookie),
    ]);
    expect([refusal!.status, verification!.status]).toEqual([303, 410]);
    expect(await sql`select from usr`).toEqual([]);
    expect(await sql`select from session`).toEqual([]);
  });
});
