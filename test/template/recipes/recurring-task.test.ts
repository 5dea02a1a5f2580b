import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { until } from "../../support/until.ts";
import { runWorker } from "../../support/worker.ts";

const { sql, url } = await createDatabase();
const slots = () => sql<{ last_slot: Date }[]>`select last_slot from schedule where name = 'prune dead mails'`;

it("runs once per slot when two workers see it, and deletes dead mails after a week", async () => {
  await sql`
    insert into task_dead (task_id, task_type, params, priority, attempt, reason, died_at, created_at)
    values
      (1, 'SEND_EMAIL_WELCOME', '{}', 0, 5, 'refused', now() - interval '8 days', now()),
      (2, 'SEND_EMAIL_WELCOME', '{}', 0, 5, 'refused', now() - interval '6 days', now()),
      (3, 'POST_ORDER', '{}', 0, 5, 'refused', now() - interval '8 days', now())
  `;
  await sql`insert into schedule (name, last_slot) values ('prune dead mails', now() - interval '2 days')`;
  const workers = [runWorker(url, "smtp://localhost:9"), runWorker(url, "smtp://localhost:9")];
  await until("both have joined", async () => (await sql`select from worker`).length === 2);
  await until("the slot has come", async () => (await slots())[0]!.last_slot > new Date(Date.now() - 86_400_000));
  await until("no task is pending", () => isEmpty(sql));
  for (const worker of workers) expect(await worker.end()).toBe(0);

  expect(
    await sql`
      select sum(attempts)::int as runs
      from attempt_statistics
      where task_type = 'PRUNE_DEAD_MAILS' and minute = '-infinity'
    `,
  ).toEqual([{ runs: 1 }]);
  expect(await sql`select task_id from task_dead order by task_id`).toEqual([{ task_id: "2" }, { task_id: "3" }]);
});
