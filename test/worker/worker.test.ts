import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { createDatabase, empty } from "../support/database.ts";
import { receiveMails, type Received } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

const { sql, url: databaseUrl } = await createDatabase();
const offered: Received[] = [];
let refusal: string | undefined;
const smtp = await receiveMails((mail) => {
  offered.push(mail);
  if (refusal) throw new Error(refusal);
});

beforeEach(async () => {
  await empty(sql);
  offered.length = 0;
  smtp.mails.length = 0;
  refusal = undefined;
});

const addUser = (email: string) => sql`insert into usr (email, password_hash) values (${email}, 'none')`;
const enqueue = (taskType: string, params: object, more: object = {}) =>
  sql`insert into task ${sql({ task_type: taskType, params: sql.json({ ...params }), ...more })}`;
const isEmpty = async () => (await sql`select 1 from task limit 1`).length === 0;

describe("the worker", () => {
  it("sends the welcome mail of a task that a plain insert enqueues", async () => {
    await sql`insert into usr (email, password_hash) values ('ada@example.com', 'x')`;
    await sql`insert into task (task_type, params) values ('SEND_EMAIL_WELCOME', '{"usr_id": "1"}')`;
    const worker = runWorker(databaseUrl, smtp.url);
    await until("the task is done", isEmpty);

    expect(smtp.mails).toHaveLength(1);
    const [mail] = smtp.mails;
    expect(mail?.recipients).toEqual(["ada@example.com"]);
    expect(mail?.from).toEqual({ name: siteName, address: "hello@example.com" });
    expect(mail?.subject).toBe(`Welcome to ${siteName}: verify your email address`);
    expect(mail?.text).toContain("https://signup.example.com");
    expect(mail?.html).toContain('href="https://signup.example.com');
    expect(mail?.messageId).toMatch(/^<task\.1\.\d{16}@example\.com>$/);
    expect(mail?.headers.find(({ key }) => key === "auto-submitted")?.value).toBe("auto-generated");

    expect(await worker.end()).toBe(0);
    expect(await sql`select * from worker`).toEqual([]);
    expect(worker.output()).toContain('"task_type":"SEND_EMAIL_WELCOME","attempt":1');
    expect(worker.output()).not.toContain("ada@example.com");
  });

  it("sends the mail of a task enqueued while no worker ran", async () => {
    const site = request(await serveApp(sql));
    const first = runWorker(databaseUrl, smtp.url);
    await until("the first worker joins", () => first.output().includes("joined"));
    await first.end("SIGKILL");
    await site.post("/signup").type("form").send({ email: "ada@example.com", password: "twelve engines hum" });
    expect(await isEmpty()).toBe(false);

    const second = runWorker(databaseUrl, smtp.url);
    await until("the task is done", isEmpty);
    expect(smtp.mails.map(({ recipients }) => recipients)).toEqual([["ada@example.com"]]);
    await second.end();
  });

  it("records a failed attempt and retries within a minute, with the same Message-ID", async () => {
    await addUser("ada@example.com");
    await enqueue("SEND_EMAIL_WELCOME", { usr_id: 1 });
    refusal = "mailbox of ada@example.com is full";
    const worker = runWorker(databaseUrl, smtp.url);
    await until("the attempt failed", async () => (await sql`select 1 from task_error`)[0]);

    const [error] = await sql<{ task_id: string; attempt: number; error: string }[]>`
      select task_id, attempt, error from task_error
    `;
    expect(error).toMatchObject({ task_id: "1", attempt: 1 });
    expect(error?.error).toContain("mailbox of (address) is full");
    expect(
      await sql`select attempt, worker_id, run_at between now() and now() + interval '1 minute' as soon from task`,
    ).toEqual([{ attempt: 1, worker_id: null, soon: true }]);

    refusal = undefined;
    await sql`update task set run_at = now()`;
    await until("the task is done", isEmpty);
    expect(offered).toHaveLength(2);
    expect(new Set(offered.map(({ messageId }) => messageId)).size).toBe(1);
    await worker.end();
  });

  it("moves a task without attempts left to task_dead, with the reason", async () => {
    await addUser("ada@example.com");
    await enqueue("SEND_EMAIL_WELCOME", { usr_id: "1" }, { attempt: 4, priority: 3, unique_key: "once" });
    refusal = "refused";
    const worker = runWorker(databaseUrl, smtp.url);
    await until("the task is dead", isEmpty);

    const [dead] = await sql`select * from task_dead`;
    expect(dead).toMatchObject({
      task_id: "1",
      task_type: "SEND_EMAIL_WELCOME",
      params: { usr_id: "1" },
      attempt: 5,
      priority: 3,
      unique_key: "once",
      reason: expect.stringContaining("refused") as string,
    });
    await worker.end();
  });

  it("never starts a task more often than its limit, even if every start crashed", async () => {
    await addUser("ada@example.com");
    await enqueue("SEND_EMAIL_WELCOME", { usr_id: "1" }, { attempt: 5 });
    const worker = runWorker(databaseUrl, smtp.url);
    await until("the task is dead", isEmpty);

    expect(offered).toEqual([]);
    expect(await sql`select count(*) from task_dead`).toEqual([{ count: "1" }]);
    await worker.end();
  });

  it("leaves tasks of unknown types alone, and runs the rest by priority", async () => {
    await addUser("ada@example.com");
    await enqueue("SEND_PIGEON", {}, { priority: -10 });
    for (const priority of [2, 1, 3]) {
      await enqueue(
        priority === 1 ? "SEND_EMAIL_ALREADY_REGISTERED" : "SEND_EMAIL_WELCOME",
        { usr_id: "1" },
        { priority },
      );
    }
    const worker = runWorker(databaseUrl, smtp.url, { WORKER_CONCURRENCY: "1" });
    await until("the mails are sent", () => smtp.mails.length === 3);

    const taskIds = smtp.mails.map(({ messageId }) => messageId?.split(".")[1]);
    expect(taskIds).toEqual(["3", "2", "4"]);
    await worker.end();
    expect(await sql`select task_type, attempt, worker_id from task`).toEqual([
      { task_type: "SEND_PIGEON", attempt: 0, worker_id: null },
    ]);
  });

  it("drops the mail to a user who is gone", async () => {
    await enqueue("SEND_EMAIL_WELCOME", { usr_id: "404" });
    const worker = runWorker(databaseUrl, smtp.url);
    await until("the task is done", isEmpty);

    expect(offered).toEqual([]);
    expect(await sql`select * from task_dead`).toEqual([]);
    await worker.end();
  });
});
