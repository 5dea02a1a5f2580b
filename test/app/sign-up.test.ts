import { verify } from "@node-rs/argon2";
import request from "supertest";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
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
    await signUp({ ...ada, password });
    await signUp({ email: "grace@example.com", password });

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

  it("answers JSON with 204 and nothing else", async () => {
    const { text, headers } = await signUpByJson(ada).expect(204);
    expect(text).toBe("");
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it("answers a form with 303 whatever it accepts", async () => {
    await signUp(ada).set("Accept", "application/json").expect(303);
  });

  it("writes no user for a taken address, and owes its owner one mail that says so", async () => {
    await signUp(ada);
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
        .replace(/expires=[^;]+/, "")
        .replace(/"date":"[^"]+"/, ""),
    });
    expect(seen(taken)).toEqual(seen(fresh));
  });

  it("makes one user of 50 first signups at once, and owes 49 times that there is one already", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => signUp(ada)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await sql`select count(*) from usr`).toEqual([{ count: "1" }]);
    expect(await sql`select task_type, count(*) from task group by task_type order by count`).toEqual([
      { task_type: "SEND_EMAIL_WELCOME", count: "1" },
      { task_type: "SEND_EMAIL_ALREADY_REGISTERED", count: "49" },
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
