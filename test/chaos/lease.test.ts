import { expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { addWorker, isEmpty, enqueue } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWorker } from "../support/worker.ts";

const longestSeconds = 30;

it("the tasks of a dead worker are reclaimed within half a minute", async () => {
  const { sql, url } = await createDatabase();
  const smtp = await receiveMails();
  await sql`insert into usr (email, password_hash) values ('ada@example.com', 'none')`;
  const dead = await addWorker(sql, 60);
  await enqueue(sql, "SEND_EMAIL_WELCOME", 1, { params: sql.json({ usr_id: "1" }), worker_id: dead, attempt: 1 });

  const worker = runWorker(url, smtp.url);
  await until("the task is done", () => isEmpty(sql), longestSeconds);
  expect(smtp.mails).toHaveLength(1);
  expect(await sql`select from worker where worker_id = ${dead}`).toHaveLength(0);
  await worker.end();
});
