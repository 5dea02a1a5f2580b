import { expect, it } from "vitest";
import { chaosWorker, enqueueMails } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import { until } from "../support/until.ts";

const waiting = 10_000;

it("sends all of 10,000 pending mails after an outage of the SMTP server, and none is dead", async () => {
  const { sql, url } = await createDatabase();
  const smtp = await scriptSmtp();
  await smtp.close();
  await enqueueMails(sql, "SEND_EMAIL_WELCOME", waiting);
  const workers = [1, 2, 3].map(() => chaosWorker(url, smtp.url, {}, "worker/main.ts"));
  const trips = () => workers.map((worker) => worker.logged("the service is down").length);
  await until("each worker has tried three times", () => trips().every((count) => count >= 3), 40);

  const [burnt] = await sql<{ most: number; tasks: number }[]>`
    select max(attempt)::int as most, count(*) filter (where attempt > 0)::int as tasks
    from task
  `;
  const opened = performance.now();
  await smtp.open();
  await until(
    "all untried mails are sent",
    async () => {
      return (await sql`select from task where attempt = 0 limit 1`).length === 0;
    },
    90,
  );
  // The others wait for their next attempt. Make them due.
  await until("all are sent", async () => {
    await sql`update task set run_at = now() where run_at > now() and worker_id is null and task_type like 'SEND%'`;
    return isEmpty(sql);
  });
  const seconds = (performance.now() - opened) / 1000;
  console.log(
    `down: ${burnt!.tasks} of ${waiting} tasks burnt up to ${burnt!.most} attempts, trips ${trips().join(" ")}; ` +
      `back: all sent after ${seconds.toFixed(1)} s`,
  );

  expect(smtp.mails).toHaveLength(waiting);
  expect(new Set(smtp.mails.map(({ to }) => to)).size).toBe(waiting);
  expect(await sql`select from task_dead`).toEqual([]);
  expect(await sql`select task_id from task_error group by task_id having count(*) > 3`).toEqual([]);
  // At most the tasks that were running, and one for each probe of the server.
  expect(burnt!.tasks).toBeLessThan(3 * (20 + 6));
  for (const worker of workers) expect(await worker.end()).toBe(0);
});
