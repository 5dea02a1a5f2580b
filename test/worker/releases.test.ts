import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { enqueue } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWorker } from "../support/worker.ts";

const smtp = await receiveMails();

describe("a worker", () => {
  it("exits 1 on a database that is older than it needs, and changes nothing", async () => {
    const { sql, url } = await createDatabase();
    await sql`delete from migration where name like '0002%'`;
    await enqueue(sql, "SEND_EMAIL_WELCOME");
    const worker = runWorker(url, smtp.url);

    expect(await worker.exited).toBe(1);
    expect(worker.output()).toContain("0002_accounts.sql");
    expect(worker.output()).toContain("migrate first");
    expect(await sql`select attempt from task`).toEqual([{ attempt: 0 }]);
  });

  it("exits 1 on a database that was never migrated", async () => {
    const { url } = await createDatabase("template0");
    const worker = runWorker(url, smtp.url);
    expect(await worker.exited).toBe(1);
    expect(worker.output()).toContain("migrate first");
  });

  it("works on a database that is newer", async () => {
    const { sql, url } = await createDatabase();
    await sql`insert into migration (name, checksum) values ('9999_of_the_future.sql', '')`;
    await sql`insert into usr (email, password_hash) values ('ada@example.com', 'none')`;
    await enqueue(sql, "SEND_EMAIL_WELCOME", 1, { params: sql.json({ usr_id: "1" }) });
    const worker = runWorker(url, smtp.url);
    await until("the mail is sent", () => smtp.mails.length === 1);
    expect(await worker.end()).toBe(0);
  });
});
