import request from "supertest";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

const { sql, url: databaseUrl } = await createDatabase();
const smtp = await receiveMails();

describe("three workers", () => {
  it("send 500 signups one mail each", async () => {
    const site = request(await serveApp(sql));
    const workers = [1, 2, 3].map(() => runWorker(databaseUrl, smtp.url));
    const emails = Array.from({ length: 500 }, (_, number) => `person-${number}@example.com`);
    const post = (email: string) => site.post("/signup").type("form").send({ email, password: "twelve engines hum" });
    for (let from = 0; from < emails.length; from += 50) await Promise.all(emails.slice(from, from + 50).map(post));

    await until("every mail is sent", () => isEmpty(sql), 30);
    expect(smtp.mails.flatMap(({ recipients }) => recipients).toSorted()).toEqual(emails.toSorted());
    expect(await sql`select * from task_error`).toEqual([]);
    for (const worker of workers) expect(await worker.end()).toBe(0);
  }, 60_000);
});
