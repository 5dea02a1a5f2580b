import type postgres from "postgres";
import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const forgot = (email: unknown) => site.post("/password/forgot").type("form").send({ email });
const pending = () =>
  sql<
    { task_type: string; params: object }[]
  >`select task_type, params - 'mail_cause_id' as params from task order by task_id`;
const toUser = (usr_id: string) => ({ task_type: "SEND_EMAIL_PASSWORD_RESET", params: { usr_id } });

describe("POST /password/forgot", () => {
  it("enqueues a mail to the owner", async () => {
    const usrId = await addUser(sql);
    await forgot(" Ada@Example.com ").expect(303).expect("Location", "/password/forgot/sent");
    expect(await pending()).toEqual([toUser(usrId)]);
  });

  it("gives known and unknown addresses the same response and writes as many rows", async () => {
    await addUser(sql);
    const seen = async (email: string) => {
      const { status, text, headers } = await forgot(email);
      const names = Object.keys(headers);
      return { status, text, names, location: headers.location as string };
    };
    expect(await seen("nobody@example.com")).toEqual(await seen(ada.email));
    expect(await pending()).toEqual([toUser("0"), toUser("1")]);
  });

  it("responds 204 to JSON and sets no cookie", async () => {
    const { headers } = await site.post("/password/forgot").send({ email: ada.email }).expect(204);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it.each(["known", "unknown"])("keeps one pending mail for a(n) %s address, and writes each time", async (kind) => {
    if (kind === "known") await addUser(sql);
    const tasks: postgres.Row[] = [];
    for (let time = 0; time < 3; time += 1) {
      await forgot(ada.email).expect(303);
      tasks.push(...(await sql`select task_id, xmin from task`));
    }
    expect(new Set(tasks.map(({ task_id }) => task_id as string)).size).toBe(1);
    expect(new Set(tasks.map(({ xmin }) => xmin as string)).size).toBe(3);
  });

  it.each([
    ["is due at once when it waits for hours", "3 hours", null, true],
    ["keeps its place when it comes soon, as after greylisting", "5 minutes", null, false],
    ["keeps its place while a worker sends it", "3 hours", "d4e1c0de-0000-4000-8000-000000000000", false],
  ])("asked for again, the pending mail %s", async (_, wait, worker_id, isDue) => {
    await addUser(sql, ada);
    await forgot(ada.email).expect(303);
    await sql`update task set attempt = 3, worker_id = ${worker_id}, run_at = now() + ${wait}::interval`;
    await forgot(ada.email).expect(303);
    expect(await sql`select attempt, run_at <= now() as is_due from task`).toEqual([{ attempt: 3, is_due: isDue }]);
  });

  it("enqueues the mail while another kind of mail is pending for the account", async () => {
    const usrId = await addUser(sql);
    await site.post("/signup").type("form").send(ada).expect(303);
    await forgot(ada.email).expect(303);
    expect(await pending()).toContainEqual(toUser(usrId));
  });

  it("takes 20 an hour from one network", async () => {
    const from = () => forgot(ada.email).set("X-Forwarded-For", "2001:db8::1");
    const responses = await Promise.all(Array.from({ length: 20 }, from));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([303]));

    await from()
      .set("X-Forwarded-For", "2001:db8::2")
      .expect(429)
      .expect("Retry-After", /^3[56]\d\d$/);
    const json = await site
      .post("/password/forgot")
      .set("X-Forwarded-For", "2001:db8::3")
      .send({ email: ada.email })
      .expect(429);
    expect(json.body).toEqual({ error: expect.stringContaining("try again") as string });
    await forgot(ada.email).set("X-Forwarded-For", "2001:db8:0:1::1").expect(303);
  });

  it.each([
    "",
    "ada",
    "a@example.com\r\nBcc: b@example.com",
    "a\0@example.com",
    ["a@example.com", "b@example.com"],
    { a: 1 },
  ])("refuses the address %j", async (email) => {
    await forgot(email).expect(422);
    await site.post("/password/forgot").send({ email }).expect(422);
    expect(await pending()).toEqual([]);
  });
});

describe("GET /password/forgot/sent", () => {
  it("points to the earlier links of the hour: a stranger may have used up its mails", async () => {
    await site.get("/password/forgot/sent").expect(200, /in the last hour, use that one\./);
  });

  it("names the address, which is in no URL", async () => {
    const [cookie = ""] = (await forgot(ada.email)).get("Set-Cookie") ?? [];
    const { text } = await site.get("/password/forgot/sent").set("Cookie", cookie).expect(200);
    expect(text).toContain(ada.email);
    expect((await site.get("/password/forgot/sent").expect(200)).text).not.toContain("@");
  });
});
