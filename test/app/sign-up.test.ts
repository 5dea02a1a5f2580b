import { verify } from "@node-rs/argon2";
import request from "supertest";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { hashToken } from "../../app/token.ts";
import { passwords } from "../support/accounts.ts";
import { createPasswords } from "../../app/password.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const site = request(url);

const ada = { email: "ada@example.com", password: "twelve engines hum" };

beforeEach(() => empty(sql));

const signUp = (form: string | object) => site.post("/signup").type("form").send(form);
const signUpByJson = (body: unknown) => site.post("/signup").type("json").send(JSON.stringify(body));
const owed = () => sql<{ task_type: string; email: string }[]>`
  select task.task_type, usr.email
  from task
  left join usr on usr.usr_id::text = task.params ->> 'usr_id'
  order by task_type desc, task_id
`;

describe("POST /signup", () => {
  it("writes the user and the welcome task together", async () => {
    await signUp(ada).expect(303).expect("Location", "/signup/sent");

    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", email: ada.email }]);
    expect(await sql`select params, priority, attempt, worker_id from task`).toEqual([
      { params: { usr_id: "1" }, priority: 0, attempt: 0, worker_id: null },
    ]);
  });

  it("keeps an argon2id hash of the normalised password, salted", async () => {
    const password = "Ａll twelve engines hum at the cafe\u0301";
    const real = request(await serveApp(sql, { passwords: createPasswords() }));
    for (const email of [ada.email, "grace@example.com"])
      await real.post("/signup").type("form").send({ email, password }).expect(303);

    const rows = await sql<{ password_hash: string }[]>`select password_hash from usr`;
    const [one = "", other = ""] = rows.map(({ password_hash }) => password_hash);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(other);
    expect(await verify(one, "All twelve engines hum at the caf\u00e9")).toBe(true);
  });

  it("trims and lower-cases the address", async () => {
    await signUp({ ...ada, email: "  ADA@Example.COM " }).expect(303);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it("answers JSON with 204, the cookie that marks the browser, and nothing else", async () => {
    const answer = await signUpByJson(ada).expect(204);
    expect(answer.text).toBe("");
    expect(answer.get("Set-Cookie")).toEqual([expect.stringMatching(/^signup=[\w-]{43}; .*samesite=lax; httponly$/)]);
  });

  it("keeps the hash of that cookie on the user that it wrote, and on no other", async () => {
    const token = (await signUp(ada))
      .get("Set-Cookie")!
      .join()
      .match(/signup=([\w-]+)/)![1]!;
    await signUp({ ...ada, password: "another good secret" });

    expect(await sql`select browser_hash from usr`).toEqual([{ browser_hash: hashToken(token) }]);
  });

  it("answers a form with 303 whatever it accepts", async () => {
    await signUp(ada).set("Accept", "application/json").expect(303);
  });

  it("owes the welcome once more while the address is not verified, and changes nothing else", async () => {
    await signUp(ada);
    const before = await sql`select * from usr`;
    await signUp({ ...ada, password: "another good secret" });

    expect(await owed()).toEqual([
      { task_type: "SEND_EMAIL_WELCOME", email: ada.email },
      { task_type: "SEND_EMAIL_WELCOME", email: ada.email },
    ]);
    expect(await sql`select * from usr`).toEqual(before);
  });

  it("writes no user for a taken address, and owes its owner one mail that says so", async () => {
    await signUp(ada);
    await sql`insert into email_verified (usr_id) select usr_id from usr`;
    await signUp({ ...ada, password: "another good secret" });

    expect(await owed()).toEqual([
      { task_type: "SEND_EMAIL_WELCOME", email: ada.email },
      { task_type: "SEND_EMAIL_ALREADY_REGISTERED", email: ada.email },
    ]);
    expect(await sql`select count(*) from usr`).toEqual([{ count: "1" }]);
  });

  it.each([
    ["form", signUp],
    ["JSON", signUpByJson],
  ])("does not tell a taken address from a free one (%s)", async (_, post) => {
    const fresh = await post(ada);
    const taken = await post(ada);

    const seen = ({ status, text, headers }: request.Response) => ({
      status,
      text,
      // The hour at which the cookie ends is that of the request.
      headers: JSON.stringify(headers)
        .replace(/expires=[^;]+/g, "")
        .replace(/signup=[\w-]{43}/, "")
        .replace(/"date":"[^"]+"/, ""),
    });
    expect(seen(taken)).toEqual(seen(fresh));
  });

  it("makes one user of 50 first signups at once, and owes three mails an hour", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => signUp(ada)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await sql`select count(*) from usr`).toEqual([{ count: "1" }]);
    expect(await sql`select task_type, count(*) from task group by task_type order by count`).toEqual([
      { task_type: "SEND_EMAIL_WELCOME", count: "3" },
    ]);
  });

  it("leaves no user when the task can't be written", async () => {
    await sql`alter table task add constraint broken check (task_type <> 'SEND_EMAIL_WELCOME')`;
    onTestFinished(async () => {
      await sql`alter table task drop constraint broken`;
    });

    await signUp(ada).expect(500);
    expect(await sql`select * from usr`).toEqual([]);
  });
});

describe("POST /signup, refused", () => {
  const refused = { ...ada, email: "Ada@example" };

  it("shows the same page with the address kept, the password emptied and each message at its field", async () => {
    const { text } = await signUp({ ...refused, password: "short" }).expect(422);

    expect(text).toContain("<title>Error: Sign up – slim-signup</title>");
    expect(text).toContain('value="Ada@example"');
    expect(text).not.toContain('short"');
    expect(text).toContain("does not look like an e-mail address");
    expect(text).toContain("at least 15 characters");
    expect(await sql`select * from usr`).toEqual([]);
  });

  it("tells JSON clients the fields and their messages", async () => {
    const { text } = await signUpByJson({ ...refused, password: "short" }).expect(422);

    expect(JSON.parse(text)).toEqual({
      errors: {
        email: expect.stringContaining("e-mail address") as string,
        password: expect.stringContaining("15 characters") as string,
      },
    });
  });

  it.each([
    ["arrays where text is due", { email: ["a@example.com"], password: [ada.password] }],
    ["objects where text is due", { email: { a: 1 }, password: {} }],
    ["missing fields", {}],
    ["a null byte in the address", { ...ada, email: "a\0@example.com" }],
    ["a line break in the address", { ...ada, email: "a@example.com\r\nBcc: b@example.com" }],
    ["two addresses", { ...ada, email: "a@example.com, b@example.com" }],
    ["a lone surrogate", { ...ada, password: "\ud800".padEnd(20, "abcdefgh xyz") }],
    ["a password of 10 kB", { ...ada, password: "correct horse ".repeat(700) }],
    ["an address of 255 characters", { ...ada, email: `${"a".repeat(64)}@${"b.".repeat(94)}cd` }],
  ])("refuses %s", async (_, body) => {
    await signUpByJson(body).expect(422);
    expect(await sql`select * from usr`).toEqual([]);
  });

  it("refuses a field that is sent twice", async () => {
    await signUp("email=a@example.com&email=b@example.com&password=twelve+engines+hum").expect(422);
  });

  it("escapes what it shows again", async () => {
    const { text } = await signUp({ ...ada, email: '"><script>alert(1)</script>' }).expect(422);
    expect(text).not.toContain("<script>alert");
  });
});

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
    expect(await sql`select hits from throttle where action = 'sign up'`).toEqual([{ hits: 21 }]);
  });

  it("takes more when the hour is over", async () => {
    for (let n = 0; n < 20; n += 1) await from("203.0.113.20", n).expect(303);
    await sql`update throttle set ends_at = now()`;
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
    expect(await sql`select task.run_at = ends_at as is_at_the_end from task, throttle where action = 'mail'`).toEqual([
      { is_at_the_end: true },
    ]);
  });

  it("counts the refused tries as well, up to a bound", async () => {
    await sql`
      insert into throttle (action, subject, hits, ends_at)
      values ('sign up', '203.0.113.7', 1000000, now() + interval '1 minute')
    `;
    await from("203.0.113.7", 1)
      .expect(429)
      .expect("Retry-After", /^(60|59)$/);
    expect(await sql`select hits from throttle`).toEqual([{ hits: 1_000_000 }]);
  });
});

describe("GET /signup/sent", () => {
  it("names the address, which is in no URL", async () => {
    const answer = await signUp(ada);
    const [cookie = ""] = answer.get("Set-Cookie") ?? [];
    expect(cookie).toMatch(/^sent_to=.*samesite=lax; httponly$/);

    const { text, headers } = await site.get("/signup/sent").set("Cookie", cookie).expect(200);
    expect(text).toContain(ada.email);
    expect(headers["cache-control"]).toBe("no-store");
  });

  it.each(["", "sent_to=", "sent_to=bm9ib2R5", "sent_to=%00"])(
    "shows no address for the cookie «%s»",
    async (cookie) => {
      const { text } = await site.get("/signup/sent").set("Cookie", cookie).expect(200);
      expect(text).not.toContain("@");
    },
  );
});
