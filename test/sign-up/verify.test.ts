import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, hasPassword, openSession, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { signUpBy } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const show = (token: string, cookie = "") => site.get("/verify").query({ token }).set("Cookie", cookie);
const verify = (body: object, cookie = "") => site.post("/verify").type("form").send(body).set("Cookie", cookie);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);
const verified = () => sql`select usr_id from email_verified`;

const signUp = (person = ada) => signUpBy(site, sql, person);

describe("POST /verify in the browser that signed up", () => {
  it("verifies and logs in, and the password stays", async () => {
    const { cookie, token, usrId } = await signUp();
    const response = await verify({ token }, cookie).expect(303).expect("Location", "/account");

    await account(sessionOf(response)).expect(200, /ada@example\.com/);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await verified()).toEqual([{ usr_id: usrId }]);
  });

  it("works once, forgets the browser, and ends all other links; then every welcome link says that it is done", async () => {
    const { cookie, token, usrId } = await signUp();
    const second = await addLink(sql, "verify", usrId);
    await addLink(sql, "reset", usrId);
    await verify({ token }, cookie).expect(303);

    for (const used of [token, second]) {
      const { text, headers } = await verify({ token: used, password }, cookie).expect(200);
      expect(text).toContain("Your email address is verified");
      expect(headers["set-cookie"]).toBeUndefined();
      await show(used).expect(200, /Log in/);
    }
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await sql`select from email_token join usr using (usr_id) where usr_version >= version`).toEqual([]);
    expect(await sql`select browser_hash from usr`).toEqual([{ browser_hash: null }]);
  });

  it("ends every session that the account had", async () => {
    const { cookie, token, usrId } = await signUp();
    const former = await openSession(sql, usrId);
    await verify({ token }, cookie).expect(303);
    await account(former).expect(303);
  });

  it("ends the session that the browser had", async () => {
    const former = await openSession(sql, await addUser(sql, { ...ada, email: "grace@example.com" }));
    const { cookie, token } = await signUp();
    await verify({ token }, `${cookie}; ${former}`).expect(303);
    await account(former).expect(303);
  });

  it("asks for the password when another signup for the address came from this browser", async () => {
    const { token } = await signUp();
    const later = await signUp({ ...ada, password });
    await verify({ token }, later.cookie).expect(422, /Enter a password/);
    expect(await verified()).toEqual([]);
  });
});

describe("POST /verify in another browser", () => {
  it("makes the new password the account's, and logs in", async () => {
    const { token, usrId } = await signUp();
    const response = await verify({ token, password }).expect(303);

    await account(sessionOf(response)).expect(200);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(false);
  });

  it("gives a stranger who signed up with the address no access", async () => {
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
    const usrId = await addUser(sql);
    const token = await addLink(sql, "verify", usrId);
    const { text, headers } = await verify({ token, password });
    expect(text).toContain("Your email address is verified");
    expect(headers["set-cookie"]).toBeUndefined();
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
  });
});
