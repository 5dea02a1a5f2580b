import { verify } from "@node-rs/argon2";
import request from "supertest";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { hashToken } from "../../app/token.ts";
import { ada, addUser } from "../support/accounts.ts";
import { createPasswords } from "../../app/password/password.ts";
import { createDatabase, empty } from "../support/database.ts";
import { pendingMails } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

beforeEach(() => empty(sql));

const signUp = (form: string | object) => site.post("/signup").type("form").send(form);
const signUpByJson = (body: unknown) => site.post("/signup").type("json").send(JSON.stringify(body));
const pending = () => pendingMails(sql);

describe("POST /signup", () => {
  it("inserts the user and the welcome task together", async () => {
    await signUp(ada).expect(303).expect("Location", "/signup/sent");

    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", email: ada.email }]);
    expect(await sql`select params, priority, unique_key, attempt, worker_id from task`).toEqual([
      { params: { usr_id: "1" }, priority: 0, unique_key: "1", attempt: 0, worker_id: null },
    ]);
    expect(await sql`select event_type, usr_id from event`).toEqual([{ event_type: "SIGNED_UP", usr_id: "1" }]);
  });

  it("stores a salted argon2id hash of the normalized password", async () => {
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

  it("responds to JSON with 204, the cookie that marks the browser, and nothing else", async () => {
    const response = await signUpByJson(ada).expect(204);
    expect(response.text).toBe("");
    expect(response.get("Set-Cookie")).toEqual([expect.stringMatching(/^signup=[\w-]{43}; .*samesite=lax; httponly$/)]);
  });

  it("stores the hash of that cookie with the user that it inserts, and with no other", async () => {
    const token = (await signUp(ada))
      .get("Set-Cookie")!
      .join()
      .match(/signup=([\w-]+)/)![1]!;
    await signUp({ ...ada, password: "another good secret" });

    expect(await sql`select browser_hash from usr`).toEqual([{ browser_hash: hashToken(token) }]);
  });

  it("responds to a form with 303, whatever it accepts", async () => {
    await signUp(ada).set("Accept", "application/json").expect(303);
  });

  it("changes nothing for an unverified address while its mail is pending, and enqueues another one later", async () => {
    await signUp(ada);
    const before = await sql`select * from usr, task`;
    await signUp({ ...ada, password: "another good secret" });
    expect(await sql`select * from usr, task`).toEqual(before);

    await sql`delete from task`;
    await signUp({ ...ada, password: "another good secret" });
    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", email: ada.email }]);
    expect(await sql`select event_type from event`).toEqual([{ event_type: "SIGNED_UP" }]);
  });

  it("inserts no user for a taken address, and enqueues one mail to its owner", async () => {
    await addUser(sql);
    const before = await sql`select * from usr`;
    for (let time = 0; time < 2; time += 1) await signUp({ ...ada, password: "another good secret" });

    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_ALREADY_REGISTERED", email: ada.email }]);
    expect(await sql`select * from usr`).toEqual(before);
    expect(await sql`select from event`).toEqual([]);
  });

  it.each([
    ["form", signUp],
    ["JSON", signUpByJson],
  ])("responds the same for a taken address and a free one (%s)", async (_, post) => {
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

  it("inserts one user and one welcome task when 50 requests race for one address", async () => {
    const responses = await Promise.all(Array.from({ length: 50 }, () => signUp(ada)));

    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await sql`select count(*) from usr`).toEqual([{ count: "1" }]);
    expect(await sql`select task_type, count(*) from task group by task_type order by count`).toEqual([
      { task_type: "SEND_EMAIL_WELCOME", count: "1" },
    ]);
  });

  it("inserts no user when the task cannot be inserted", async () => {
    await sql`alter table task add constraint broken check (task_type <> 'SEND_EMAIL_WELCOME')`;
    onTestFinished(async () => {
      await sql`alter table task drop constraint broken`;
    });

    await signUp(ada).expect(500);
    expect(await sql`select * from usr`).toEqual([]);
  });
});
