import request, { type Response } from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, openSession, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { signUpBy } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const chosen = "another good secret";
const wrong = { ...ada, password: "not my own password" };
const post = (path: string, fields: object, cookie = "") =>
  site.post(path).set("Cookie", cookie).type("form").send(fields);
const logIn = (form = ada, cookie = "") => post("/login", form, cookie);
const guess = (email = ada.email) => logIn({ ...wrong, email }).expect(422);
/** The state after 50 wrong passwords. */
const exhaust = (email = ada.email) =>
  sql`insert into log_in_failure (email, failures) values (${email}, 50) on conflict (email) do update set failures = 50`;
const browserOf = (answer: Response) => /browser=[\w-]{43}/.exec(answer.get("Set-Cookie")?.join() ?? "")?.[0];
const blockedMails = () =>
  sql`select params - 'mail_cause_id' as params from task where task_type = 'SEND_EMAIL_LOG_IN_BLOCKED'`;

describe("POST /login after 50 wrong passwords in a row", () => {
  it("gives an unknown browser the response to a wrong password, from any network", async () => {
    await addUser(sql);
    for (let n = 0; n < 130; n += 1) await guess().set("X-Forwarded-For", `203.0.113.${n % 26}`);

    const said = ({ status, text, headers }: Response) => ({ status, text, names: Object.keys(headers) });
    for (const type of ["form", "json"]) {
      const refusal = said(await site.post("/login").type(type).send(wrong));
      expect(said(await site.post("/login").type(type).send(ada))).toEqual(refusal);
    }
    expect(await sql`select from session`).toEqual([]);
  });

  it("still takes the right password at the 50th attempt", async () => {
    await addUser(sql);
    for (let n = 0; n < 49; n += 1) await guess();
    await logIn().expect(303);
    expect(await sql`select from log_in_failure`).toEqual([]);
  });

  it("lets in a browser that was logged in before, and then any browser again", async () => {
    await addUser(sql);
    const browser = browserOf(await logIn().expect(303));
    await exhaust();
    await logIn().expect(422);
    await logIn(wrong, browser).expect(422);
    await logIn(ada, browser).expect(303);
    await logIn().expect(303);
  });

  it("does not let in a browser that was logged in to another account only", async () => {
    await addUser(sql);
    await addUser(sql, { ...ada, email: "grace@example.com" });
    const browser = browserOf(await logIn({ ...ada, email: "grace@example.com" }).expect(303));
    await exhaust();
    await logIn(ada, browser).expect(422);
  });

  it("lets in a browser that two people share", async () => {
    const grace = { ...ada, email: "grace@example.com" };
    await addUser(sql);
    await addUser(sql, grace);
    const browser = browserOf(await logIn())!;
    expect(browserOf(await logIn(grace, browser))).toBe(browser);
    await exhaust();
    await exhaust(grace.email);
    await logIn(ada, browser).expect(303);
    await logIn(grace, browser).expect(303);
  });

  it("sends the owner one mail, and another only after a successful log-in", async () => {
    const usr_id = await addUser(sql);
    const browser = browserOf(await logIn());
    await exhaust();
    await Promise.all(Array.from({ length: 5 }, () => guess()));
    expect(await blockedMails()).toEqual([{ params: { usr_id } }]);

    await logIn(ada, browser).expect(303);
    await guess();
    expect(await blockedMails()).toHaveLength(1);
    await exhaust();
    await guess();
    expect(await blockedMails()).toHaveLength(2);
  });

  it("writes the same rows for an address without an account", async () => {
    await exhaust();
    await guess();
    expect(await blockedMails()).toEqual([{ params: { usr_id: "0" } }]);
    expect(await sql`select email, failures from log_in_failure`).toEqual([{ email: ada.email, failures: 51 }]);
  });

  it("does not count an attempt that the rate limit of its network has refused", async () => {
    for (let n = 0; n < 7; n += 1) await logIn(wrong).set("X-Forwarded-For", "203.0.113.7");
    expect(await sql`select failures from log_in_failure`).toEqual([{ failures: 5 }]);
  });
});

describe("a mailed link after 50 wrong passwords in a row", () => {
  it("resets the password, which then works in any browser", async () => {
    const usrId = await addUser(sql);
    await exhaust();
    await post("/password/reset", { token: await addLink(sql, "reset", usrId), password: chosen }).expect(303);
    await logIn({ ...ada, password: chosen }).expect(303);
  });

  it.each(["reset", "verify"])("makes its browser known: %s", async (purpose) => {
    const usrId = await addUser(sql, ada, purpose === "reset");
    await exhaust();
    const path = { reset: "/password/reset", verify: "/verify" }[purpose]!;
    const answer = await post(path, { token: await addLink(sql, purpose, usrId), password: chosen }).expect(303);
    expect(await sql`select from log_in_failure`).toEqual([]);
    await exhaust();
    await logIn({ ...ada, password: chosen }).expect(422);
    await logIn({ ...ada, password: chosen }, browserOf(answer)).expect(303);
  });

  it("verifies in the browser that signed up, and makes it known", async () => {
    const { cookie, token } = await signUpBy(site, sql);
    const answer = await post("/verify", { token }, cookie).expect(303);
    await exhaust();
    await logIn(ada, browserOf(answer)).expect(303);
  });

  it("confirms a new address, clears its count, and makes its browser known", async () => {
    const usrId = await addUser(sql);
    const cookie = await openSession(sql, usrId);
    const email = "countess@example.com";
    const [change] = await sql<{ email_change_id: string }[]>`
      insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, ${email})
      returning email_change_id
    `;
    await exhaust(email);
    const token = await addLink(sql, "change", usrId, change);
    const answer = await post("/account/email/confirm", { token }, cookie).expect(303);
    await logIn({ ...ada, email }).expect(303);

    await exhaust(email);
    await logIn({ ...ada, email }).expect(422);
    await logIn({ ...ada, email }, browserOf(answer)).expect(303);
  });
});

describe("a known browser", () => {
  const known = async () => browserOf(await logIn().expect(303));

  it("has a cookie for 400 days, for one host under https; only its hash is stored", async () => {
    await addUser(sql);
    const secure = request(await serveApp(sql, { passwords, origin: "https://signup.example.com" }));
    const cookies = (await secure.post("/login").type("form").send(ada)).get("Set-Cookie") ?? [];
    const cookie = cookies.find((one) => one.startsWith("__Host-browser="))!;
    expect(cookie).toMatch(/^__Host-browser=[\w-]{43}; path=\/; expires=.*; samesite=lax; secure; httponly$/);
    const days = (Date.parse(/expires=([^;]+)/.exec(cookie)![1]!) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(400);
    expect(await sql`select octet_length(token_hash) from known_browser`).toEqual([{ octet_length: 32 }]);
  });

  it("stays known after the log-out", async () => {
    await addUser(sql);
    const answer = await logIn();
    const out = await post("/logout", {}, sessionOf(answer)).expect(303);
    expect(out.get("Set-Cookie")?.join()).not.toContain("browser=");
    await exhaust();
    await logIn(ada, browserOf(answer)).expect(303);
  });

  it("becomes unknown when the password is reset in another browser", async () => {
    const usrId = await addUser(sql);
    const thief = await known();
    await post("/password/reset", { token: await addLink(sql, "reset", usrId), password: chosen }).expect(303);
    await exhaust();
    await logIn({ ...ada, password: chosen }, thief).expect(422);
  });

  it("becomes unknown when the password is changed in another browser, which stays known", async () => {
    await addUser(sql);
    const thief = await known();
    const answer = await logIn();
    const mine = browserOf(answer)!;
    await post("/account/password", { new_password: chosen }, `${sessionOf(answer)}; ${mine}`).expect(303);
    await exhaust();
    await logIn({ ...ada, password: chosen }, thief).expect(422);
    await logIn({ ...ada, password: chosen }, mine).expect(303);
  });

  it.each([
    ["an empty cookie", ""],
    ["a short one", "x"],
    ["an odd one", "%00"],
    ["one of 4 kB", "A".repeat(4000)],
  ])("is not one with %s", async (_, value) => {
    await addUser(sql);
    await exhaust();
    await logIn(ada, `browser=${value}`).expect(422);
    await sql`delete from log_in_failure`;
    const given = browserOf(await logIn(ada, `browser=${value}`).expect(303));
    expect(given).toMatch(/^browser=[\w-]{43}$/);
    expect(given).not.toContain("AAAAAAAA");
  });
});
