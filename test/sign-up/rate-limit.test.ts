import request from "supertest";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ada, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { pendingMails } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const hash = vi.fn<typeof passwords.hash>(passwords.hash);
const site = request(await serveApp(sql, { passwords: { ...passwords, hash } }));

beforeEach(async () => {
  hash.mockClear();
  await empty(sql);
});

const signUp = (form: object) => site.post("/signup").type("form").send(form);
const signUpByJson = (form: object) => site.post("/signup").send(form);
const from = (address: string, n: number, post = signUp) =>
  post({ ...ada, email: `ada.${n}@example.com` }).set("X-Forwarded-For", address);

describe("POST /signup, with a rate limit", () => {
  it("takes 20 an hour from one network, even at once, and says when to come back", async () => {
    const responses = await Promise.all(Array.from({ length: 25 }, (_, n) => from(`2001:db8:1:2::${n}`, n)));
    expect(responses.filter(({ status }) => status === 303)).toHaveLength(20);
    expect(await sql`select from usr`).toHaveLength(20);
    expect(await pendingMails(sql)).toHaveLength(20);

    const { text, headers } = await from("2001:db8:1:2::99", 99).expect(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(3500);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(3600);
    expect(headers["set-cookie"]).toBeUndefined();
    expect(text).toContain("<title>Too many attempts");
    expect(text).not.toContain(ada.password);
    await from("2001:db8:1:2::99", 99, signUpByJson).expect(429, /^{"error":"Wait \d+ minutes, then try again/);
    await from("2001:db8:1:3::99", 99).expect(303);
  });

  it("hashes no password for a client over its limit", async () => {
    for (let n = 0; n < 20; n += 1) await from("203.0.113.20", n).expect(303);
    for (let n = 20; n < 23; n += 1) await from("203.0.113.20", n).expect(429);
    expect(hash).toHaveBeenCalledTimes(20);
  });

  it("takes more when the hour is over", async () => {
    for (let n = 0; n < 20; n += 1) await from("203.0.113.20", n).expect(303);
    await sql`update rate_limit set ends_at = now()`;
    await from("203.0.113.20", 20).expect(303);
  });

  it("counts refused requests, too", async () => {
    await sql`
      insert into rate_limit (action, subject, hits, ends_at)
      values ('sign up', '203.0.113.7', 20, now() + interval '1 minute')
    `;
    await from("203.0.113.7", 1)
      .expect(429)
      .expect("Retry-After", /^(60|59)$/);
    expect(await sql`select hits from rate_limit`).toEqual([{ hits: 21 }]);
  });
});
