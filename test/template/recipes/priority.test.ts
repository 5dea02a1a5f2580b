import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser } from "../../support/accounts.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { receiveMails } from "../../support/smtp.ts";
import { until } from "../../support/until.ts";
import { serveApp } from "../../support/web.ts";
import { runWorker } from "../../support/worker.ts";

const { sql, url } = await createDatabase();
const site = request(await serveApp(sql));
const forgotPassword = () => site.post("/password/forgot").type("form").send({ email: ada.email }).expect(303);

beforeEach(() => empty(sql));

describe("a password reset", () => {
  it("is sent before mails that were due earlier", async () => {
    const smtp = await receiveMails();
    for (const name of ["bob", "cleo", "dora"]) {
      const usr_id = await addUser(sql, { ...ada, email: `${name}@example.com` });
      await sql`insert into task (task_type, params) values ('SEND_EMAIL_ALREADY_REGISTERED', ${sql.json({ usr_id })})`;
    }
    await addUser(sql);
    await forgotPassword();
    runWorker(url, smtp.url, { WORKER_CONCURRENCY: "1" });
    await until("all are sent", () => isEmpty(sql));

    expect(smtp.mails).toHaveLength(4);
    expect(smtp.mails[0]!.recipients).toEqual([ada.email]);
  });

  it("dies after three attempts", async () => {
    let attempts = 0;
    const smtp = await receiveMails(() => {
      attempts += 1;
      throw new Error("Not now.");
    });
    await addUser(sql);
    await forgotPassword();
    runWorker(url, smtp.url);
    await until("it is dead", async () => {
      // Instead of waiting for the back-off.
      await sql`update task set run_at = now() where worker_id is null and run_at > now()`;
      return isEmpty(sql);
    });

    expect(attempts).toBe(3);
    expect(await sql`select task_type, attempt from task_dead`).toEqual([
      { task_type: "SEND_EMAIL_PASSWORD_RESET", attempt: 3 },
    ]);
  });
});
