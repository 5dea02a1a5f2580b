import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { signUpBy } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const show = (token: string, cookie = "") => site.get("/verify").query({ token }).set("Cookie", cookie);
const verify = (body: object, cookie = "") => site.post("/verify").type("form").send(body).set("Cookie", cookie);
const verified = () => sql`select usr_id from email_verified`;

const signUp = (person = ada) => signUpBy(site, sql, person);

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
    'asks for a new password in a browser with the cookie "%s"',
    async (cookie) => {
      const { token } = await signUp();
      const { text } = await show(token, cookie).expect(200);
      expect(text).toContain('autocomplete="new-password"');
      expect(text).toMatch(/value="ada@example.com" autocomplete="username"/);
      expect(text).toContain(`href="/signup/refuse?token=${token}"`);
    },
  );

  it("asks every browser for a new password when no signup inserted the user", async () => {
    const token = await addLink(sql, "verify", await addUser(sql, ada, false));
    expect((await show(token)).text).toContain('autocomplete="new-password"');
    await verify({ token }).expect(422);
    expect(await verified()).toEqual([]);
  });

  it("says that there is nothing left to do when the address is verified", async () => {
    const token = await addLink(sql, "verify", await addUser(sql));
    expect((await show(token).expect(200)).text).toContain("Your email address is verified");
  });

  it.each(["", "nonsense", "%00", "%ff", "%ed%a0%80", "x".repeat(5000)])(
    "does not work with the token %j",
    async (token) => {
      await site.get(`/verify?token=${token}`).expect(410);
      await site.get(`/verify?token=${token}&token=${token}`).expect(410);
      await verify({ token }).expect(410);
      await verify({ token, password }).expect(410);
    },
  );

  it.each([
    ["expired", { expires_at: new Date(Date.now() - 1000) }],
    ["made for another address", { email: "before@example.com" }],
    ["made for another purpose", { purpose: "reset" }],
    ["made for an older version", { usr_version: -1 }],
    ["not bound to a version", { usr_version: null }],
  ])("does not work when it is %s", async (_, columns) => {
    const { cookie, usrId } = await signUp();
    const token = await addLink(sql, "verify", usrId, columns);
    await show(token, cookie).expect(410, /Send a new link/);
    await verify({ token }, cookie).expect(410);
    await verify({ token, password }).expect(410);
    expect(await verified()).toEqual([]);
  });
});
