import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, openSession, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const wrong = { ...ada, password: "not my own password" };
const logIn = (form: object = ada) => site.post("/login").type("form").send(form);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

describe("POST /login", () => {
  it("begins a session of 30 days, stores only the hash of its token, and makes the browser known", async () => {
    await addUser(sql);
    const response = await logIn({ ...ada, email: " ADA@example.com " })
      .set("User-Agent", `Lynx/2\t${"x".repeat(300)}`)
      .set("X-Forwarded-For", "203.0.113.7")
      .expect(303)
      .expect("Location", "/account");

    expect(response.get("Set-Cookie")).toEqual([
      expect.stringMatching(/^session=[\w-]{43}; path=\/; expires=.*; samesite=lax; httponly$/),
      expect.stringMatching(/^browser=[\w-]{43}; path=\/; expires=.*; samesite=lax; httponly$/),
    ]);
    await account(sessionOf(response)).expect(200, /ada@example\.com/);
    expect(
      await sql`
        select browser, address, octet_length(token_hash), expires_at - created_at = interval '30 days' as is_30_days
        from session
      `,
    ).toEqual([{ browser: `Lynx/2${"x".repeat(194)}`, address: "203.0.113.7", octet_length: 32, is_30_days: true }]);
  });

  it("sets a cookie for one host under https", async () => {
    await addUser(sql);
    const origin = "https://signup.example.com";
    const response = await request(await serveApp(sql, { passwords, origin }))
      .post("/login")
      .type("form")
      .send(ada);
    expect(response.get("Set-Cookie")?.[0]).toMatch(
      /^__Host-session=[\w-]{43}; path=\/; expires=.*; samesite=lax; secure; httponly$/,
    );
  });

  it("keeps the address that the last trusted proxy saw, however many a client claims", async () => {
    await addUser(sql);
    const claims = "198.51.100.1, 198.51.100.2, 203.0.113.7";
    await logIn().set("X-Forwarded-For", claims).expect(303);
    expect(await sql`select address from session`).toEqual([{ address: "203.0.113.7" }]);

    const behindTwo = request(await serveApp(sql, { passwords, trustProxy: 2 }));
    await behindTwo.post("/login").type("form").send(ada).set("X-Forwarded-For", claims).expect(303);
    expect(await sql`select address from session order by session_id desc limit 1`).toEqual([
      { address: "198.51.100.2" },
    ]);
  });

  it("keeps an IPv4 address as people write it", async () => {
    await addUser(sql);
    await logIn().set("X-Forwarded-For", "::ffff:cb00:7107").expect(303);
    expect(await sql`select address from session`).toEqual([{ address: "203.0.113.7" }]);
  });

  it("responds 204 to JSON", async () => {
    await addUser(sql);
    const response = await site.post("/login").send(ada).expect(204);
    await account(sessionOf(response)).expect(200);
  });

  it("gives the same response for a wrong password, an unknown address and a user without a real hash", async () => {
    await addUser(sql);
    await addUser(sql, { ...ada, email: "bob@example.com" }, false);
    await sql`insert into usr (email, password_hash) values ('cleo@example.com', 'none')`;
    const said = async (email: string) => {
      const { status, text, headers } = await logIn({ ...wrong, email });
      return { status, text: text.replaceAll(email, "…"), names: Object.keys(headers) };
    };

    const refusal = await said(ada.email);
    expect(refusal.status).toBe(422);
    expect(refusal.text).toContain("<title>Error: Log in");
    for (const name of ["bob", "cleo", "dora"]) expect(await said(`${name}@example.com`)).toEqual(refusal);
  });

  it("checks a hash for an unknown address too", async () => {
    let checks = 0;
    const counting = {
      ...passwords,
      verify: (...[hash, password, deadline]: Parameters<typeof passwords.verify>) => {
        checks += 1;
        return passwords.verify(hash, password, deadline);
      },
    };
    await request(await serveApp(sql, { passwords: counting }))
      .post("/login")
      .type("form")
      .send(ada)
      .expect(422);
    expect(checks).toBe(1);
  });

  it("gives the same response for a wrong password and for an unverified address, and offers the email again", async () => {
    await addUser(sql);
    await addUser(sql, { ...ada, email: "bob@example.com" }, false);
    const said = async (form: typeof ada, type: string) => {
      const { status, text, headers } = await site.post("/login").type(type).send(form);
      return { status, text: text.replaceAll(form.email, "…"), names: Object.keys(headers) };
    };

    for (const type of ["form", "json"]) {
      const refusal = await said(wrong, type);
      expect(refusal.status).toBe(422);
      expect(refusal.text).toContain("is not verified yet");
      expect(await said({ ...ada, email: "bob@example.com" }, type)).toEqual(refusal);
    }
    expect((await said(wrong, "form")).text).toContain('href="/verify/resend"');
    expect(await sql`select from session`).toEqual([]);
  });

  it("ends the session that this browser had", async () => {
    const former = await openSession(sql, await addUser(sql));
    const response = await logIn().set("Cookie", former).expect(303);
    expect(sessionOf(response)).not.toBe(former);
    await account(former).expect(303);
    expect(await sql`select from session`).toHaveLength(1);
  });

  it.each([
    [{ email: ada.email }, "password"],
    [{ password: ada.password }, "email"],
    [{ email: [ada.email], password: ada.password }, "email"],
    [{ email: "a\0@example.com", password: ada.password }, "email"],
    [{ email: ada.email, password: { a: 1 } }, "password"],
    [{ email: ada.email, password: "correct horse ".repeat(700) }, "form"],
    [{ email: ada.email, password: "\ud800 twelve engines hum" }, "form"],
    [{ email: ada.email, password: "twelve\0engines hum" }, "form"],
  ])("refuses %j", async (body, field) => {
    await addUser(sql);
    const { text } = await site.post("/login").send(body).expect(422);
    expect(Object.keys((JSON.parse(text) as { errors: object }).errors)).toEqual([field]);
  });
});

describe("GET /login", () => {
  it.each([
    ["", false],
    ["?reset", true],
    ["?constructor", false],
    ["?reset=<b>", false],
  ])("with %j: a notice %s", async (query, hasNotice) => {
    const { text } = await site.get(`/login${query}`).expect(200);
    expect(text.includes('class="notice"')).toBe(hasNotice);
    expect(text).toContain('autocomplete="current-password"');
  });
});
