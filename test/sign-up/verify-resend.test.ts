import type postgres from "postgres";
import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const resend = (email: unknown = ada.email) => site.post("/verify/resend").type("form").send({ email });
const pending = () => sql`select task_type, params from task`;

describe("POST /verify/resend", () => {
  it("enqueues the welcome mail again", async () => {
    const usr_id = await addUser(sql, ada, false);
    await resend(" ADA@example.com").expect(303).expect("Location", "/signup/sent");
    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_WELCOME", params: { usr_id } }]);
  });

  it("enqueues a mail about the account to a verified owner", async () => {
    const usr_id = await addUser(sql);
    await resend();
    expect(await pending()).toEqual([{ task_type: "SEND_EMAIL_ALREADY_REGISTERED", params: { usr_id } }]);
  });

  it("enqueues a task for user 0 when the address is unknown, even one after all others", async () => {
    await addUser(sql, ada, false);
    await resend("aa@example.com");
    await resend("zz@example.com");
    const toNobody = { task_type: "SEND_EMAIL_WELCOME", params: { usr_id: "0" } };
    expect(await pending()).toEqual([toNobody, toNobody]);
    expect(await sql`select from task where unique_key like '%@%'`).toEqual([]);
  });

  it.each(["known", "unknown"])("keeps one pending mail for a(n) %s address, and writes each time", async (kind) => {
    if (kind === "known") await addUser(sql, ada, false);
    const tasks: postgres.Row[] = [];
    for (let time = 0; time < 3; time += 1) {
      await resend().expect(303);
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
    await addUser(sql, ada, false);
    await resend().expect(303);
    await sql`update task set attempt = 3, worker_id = ${worker_id}, run_at = now() + ${wait}::interval`;
    await resend().expect(303);
    expect(await sql`select attempt, run_at <= now() as is_due from task`).toEqual([{ attempt: 3, is_due: isDue }]);
  });

  it("shares the pending mail of the signup", async () => {
    await site.post("/signup").type("form").send(ada).expect(303);
    await resend();
    expect(await pending()).toHaveLength(1);
  });

  it("takes 20 an hour from one network", async () => {
    const from = (n: number) => resend(`ada.${n}@example.com`).set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 20; n += 1) await from(n).expect(303);
    const { headers } = await from(20).expect(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(3500);
    expect(await pending()).toHaveLength(20);
  });

  it("sets no cookie for JSON", async () => {
    const { headers } = await site.post("/verify/resend").send({ email: ada.email }).expect(204);
    expect(headers["set-cookie"]).toBeUndefined();
  });

  it("refuses an invalid address", async () => {
    await resend("ada@example").expect(422, /value="ada@example"/);
    await resend([ada.email, ada.email]).expect(422);
    expect(await pending()).toEqual([]);
  });
});
