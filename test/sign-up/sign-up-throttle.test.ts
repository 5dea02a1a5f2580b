import request from "supertest";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ada, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { owedMails } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

beforeEach(() => empty(sql));

const signUp = (form: string | object) => site.post("/signup").type("form").send(form);
const signUpByJson = (body: unknown) => site.post("/signup").type("json").send(JSON.stringify(body));
const owed = () => owedMails(sql);

describe("POST /signup, throttled", () => {
  const from = (network: string, n: number, post: (form: object) => request.Test = signUp) =>
    post({ ...ada, email: `ada.${n}@example.com` }).set("X-Forwarded-For", network);

  it("takes 20 an hour from one network, at once too, and says when to come back", async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, (_, n) => from(`2001:db8:1:2::${n}`, n)));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(20);
    expect(await sql`select from usr`).toHaveLength(20);
    expect(await owed()).toHaveLength(20);

    const { text, headers } = await from("2001:db8:1:2::99", 99).expect(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(3500);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(3600);
    expect(headers["set-cookie"]).toBeUndefined();
    expect(text).toContain("<title>Error: Sign up");
    expect(text).toContain('value="ada.99@example.com"');
    expect(text).not.toContain(ada.password);
    await from("2001:db8:1:2::99", 99, signUpByJson).expect(429, /^{"error":"Too many tries/);
    await from("2001:db8:1:3::99", 99).expect(303);
  });

  it("hashes one password at most for who is over the limit", async () => {
    const hash = vi.fn<typeof passwords.hash>(passwords.hash);
    const counting = request(await serveApp(sql, { passwords: { ...passwords, hash } }));
    const post = (form: object) => counting.post("/signup").type("form").send(form);
    for (let n = 0; n < 20; n += 1) await from("203.0.113.20", n, post).expect(303);
    for (let n = 20; n < 23; n += 1) await from("203.0.113.20", n, post).expect(429, /value="ada/);
    expect(hash).toHaveBeenCalledTimes(21);
    expect(await sql`select hits from rate_limit where action = 'sign up'`).toEqual([{ hits: 21 }]);
  });

  it("takes more when the hour is over", async () => {
    for (let n = 0; n < 20; n += 1) await from("203.0.113.20", n).expect(303);
    await sql`update rate_limit set ends_at = now()`;
    await from("203.0.113.20", 20).expect(303);
  });

  it("never says that an address has had its three mails", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => signUp(ada)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await owed()).toHaveLength(3);
  });

  it("owes a new user the welcome in any case, at the end of the hour", async () => {
    for (let n = 0; n < 4; n += 1) await signUp(ada);
    await sql`with task as (delete from task) delete from usr`;
    await signUp(ada);
    expect(
      await sql`select task.run_at = ends_at as is_at_the_end from task, rate_limit where action = 'mail'`,
    ).toEqual([{ is_at_the_end: true }]);
  });

  it("counts the refused tries as well, up to a bound", async () => {
    await sql`
      insert into rate_limit (action, subject, hits, ends_at)
      values ('sign up', '203.0.113.7', 1000000, now() + interval '1 minute')
    `;
    await from("203.0.113.7", 1)
      .expect(429)
      .expect("Retry-After", /^(60|59)$/);
    expect(await sql`select hits from rate_limit`).toEqual([{ hits: 1_000_000 }]);
  });
});
