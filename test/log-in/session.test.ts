import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addOwner, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const account = (cookie = "") => site.get("/account").set("Cookie", cookie);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

/** Which time of the session, in whole days from now. */
const times = () => sql`
  select
    round(extract(epoch from seen_at - now()) / 86400)::int as seen,
    round(extract(epoch from expires_at - now()) / 86400)::int as expires
  from session
`;

describe("a page that needs a session", () => {
  it.each(["", "session="])("sends those with the cookie «%s» to log in", async (cookie) => {
    await account(cookie).expect(303).expect("Location", "/login");
  });

  it.each(["session=%00", `session=${"A".repeat(43)}`, `session=${"x".repeat(4000)}`])(
    "sends those with the cookie «%s» to log in, and says that the session has ended",
    async (cookie) => {
      await account(cookie).expect(303).expect("Location", "/login?ended");
      await site.get("/login?ended").expect(200, /Your session has ended/);
    },
  );

  it("answers JSON with 401", async () => {
    await account().set("Accept", "application/json").expect(401, { error: "Please log in first." });
  });

  it("takes a session that a plain insert began", async () => {
    const usrId = await addOwner(sql);
    const cookie = await openSession(sql, usrId);
    await sql`update session set password_digest = null`;
    await account(cookie).expect(200);
  });

  it("writes down at most once a day that it was used, and then sets the cookie anew", async () => {
    const cookie = await openSession(sql, await addOwner(sql), { seen_at: daysAgo(0.9), expires_at: daysAgo(-29) });
    const { headers } = await account(cookie).expect(200);
    expect(headers["set-cookie"]).toBeUndefined();
    expect(await times()).toEqual([{ seen: -1, expires: 29 }]);

    await sql`update session set seen_at = now() - interval '25 hours'`;
    const renewed = await account(cookie).expect(200);
    expect(renewed.get("Set-Cookie")?.[0]).toMatch(new RegExp(`^${cookie}; path=/; expires=`));
    expect(await times()).toEqual([{ seen: 0, expires: 30 }]);
  });

  it("lets no session last longer than 90 days", async () => {
    const cookie = await openSession(sql, await addOwner(sql), { created_at: daysAgo(80), seen_at: daysAgo(2) });
    const answer = await account(cookie).expect(200);
    expect(await times()).toEqual([{ seen: 0, expires: 10 }]);
    const [, expires = ""] = /expires=([^;]+)/.exec(answer.get("Set-Cookie")![0]!) ?? [];
    expect(Math.round((Date.parse(expires) - Date.now()) / 86_400_000)).toBe(10);

    await sql`update session set created_at = now() - interval '90 days'`;
    await account(cookie).expect(303);
  });

  it("takes no session that has expired", async () => {
    const cookie = await openSession(sql, await addOwner(sql), { expires_at: daysAgo(0) });
    await account(cookie).expect(303);
  });

  it("takes no session that began under another password", async () => {
    const cookie = await openSession(sql, await addOwner(sql));
    await sql`update usr set password_hash = 'another'`;
    await account(cookie).expect(303);
  });

  it("is not asked for by the pages that anybody may see", async () => {
    const cookie = await openSession(sql, await addOwner(sql), { seen_at: daysAgo(2) });
    for (const path of ["/", "/signup", "/login", "/password/forgot", "/verify/resend"]) {
      await site
        .get(path)
        .set("Cookie", cookie)
        .expect(200, /href="\/login".*href="\/account"/s);
    }
    expect(await times()).toMatchObject([{ seen: -2 }]);
  });
});
