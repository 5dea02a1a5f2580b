import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const account = (cookie = "") => site.get("/account").set("Cookie", cookie);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

/** A time of the session, in whole days from now. */
const times = () => sql`
  select
    round(extract(epoch from seen_at - now()) / 86400)::int as seen,
    round(extract(epoch from expires_at - now()) / 86400)::int as expires
  from session
`;

describe("a page that needs a session", () => {
  it.each(["", "session="])('sends a browser with the cookie "%s" to log in', async (cookie) => {
    await account(cookie).expect(303).expect("Location", "/login");
  });

  it.each(["session=%00", `session=${"A".repeat(43)}`, `session=${"x".repeat(4000)}`])(
    'sends a browser with the cookie "%s" to log in, and says that the session has ended',
    async (cookie) => {
      await account(cookie).expect(303).expect("Location", "/login?ended");
      await site.get("/login?ended").expect(200, /Your session has ended/);
    },
  );

  it("responds 401 to JSON", async () => {
    await account().set("Accept", "application/json").expect(401, { error: "Log in, then try again." });
  });

  it("takes a session that a plain insert began", async () => {
    const usrId = await addUser(sql);
    const cookie = await openSession(sql, usrId);
    await sql`update session set usr_version = null`;
    await account(cookie).expect(200);
  });

  it("records a use at most once a day, and then renews the cookie", async () => {
    const cookie = await openSession(sql, await addUser(sql), { seen_at: daysAgo(0.9), expires_at: daysAgo(-29) });
    const { headers } = await account(cookie).expect(200);
    expect(headers["set-cookie"]).toBeUndefined();
    expect(await times()).toEqual([{ seen: -1, expires: 29 }]);

    await sql`update session set seen_at = now() - interval '25 hours'`;
    const renewed = await account(cookie).expect(200);
    expect(renewed.get("Set-Cookie")?.[0]).toMatch(new RegExp(`^${cookie}; path=/; expires=`));
    expect(await times()).toEqual([{ seen: 0, expires: 30 }]);
  });

  it("ends a session after 90 days", async () => {
    const cookie = await openSession(sql, await addUser(sql), { created_at: daysAgo(80), seen_at: daysAgo(2) });
    const response = await account(cookie).expect(200);
    expect(await times()).toEqual([{ seen: 0, expires: 10 }]);
    const [, expires = ""] = /expires=([^;]+)/.exec(response.get("Set-Cookie")![0]!) ?? [];
    expect(Math.round((Date.parse(expires) - Date.now()) / 86_400_000)).toBe(10);

    await sql`update session set created_at = now() - interval '90 days'`;
    await account(cookie).expect(303);
  });

  it("takes no session that has expired", async () => {
    const cookie = await openSession(sql, await addUser(sql), { expires_at: daysAgo(0) });
    await account(cookie).expect(303);
  });

  it("takes no session that began before the password or the address changed", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    await sql`update usr set version = version + 1`;
    await account(cookie).expect(303);
  });

  it("is renewed by the pages that need no log-in", async () => {
    const cookie = await openSession(sql, await addUser(sql), { seen_at: daysAgo(2) });
    await site.get("/").set("Cookie", cookie).expect(200);
    expect(await times()).toMatchObject([{ seen: 0 }]);
  });
});
