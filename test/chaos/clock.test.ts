import { expect, it } from "vitest";
import { chaosWorker, enqueueMails } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { scriptSmtp } from "../support/scripted-smtp.ts";
import { until } from "../support/until.ts";

it("workers whose clocks are wrong by more than a year work like the others", async () => {
  const { sql, url } = await createDatabase();
  const smtp = await scriptSmtp();
  // Two slots were missed while no worker ran: the task is enqueued once.
  await sql`insert into schedule (name, last_slot) values ('prune history', now() - interval '50 hours')`;
  await sql`insert into task_error (task_id, attempt, error) values (1000, 1, 'of today')`;
  await sql`insert into task (task_type, params, run_at) values ('PRUNE_HISTORY', '{}', now() + interval '1 hour')`;
  await enqueueMails(sql, "SEND_EMAIL_WELCOME", 20);
  smtp.script = ({ stage }) => (stage === "end" ? "451 4.2.0 Later" : undefined);

  const workers = [-400, 400, 0].map((days) =>
    chaosWorker(
      url,
      smtp.url,
      { NODE_OPTIONS: "--import ./test/support/shifted-clock.ts", CLOCK_SHIFT_DAYS: String(days) },
      "worker/main.ts",
    ),
  );
  await Promise.all(workers.map((worker) => worker.joined()));
  const year = new Date().getUTCFullYear();
  expect(workers.map((worker) => worker.output().includes(`"time":"${year}-`))).toEqual([false, false, true]);

  await until("each mail has failed once", async () => (await sql`select from task_error`).length === 21);
  // The first retry comes within a minute, by the database's clock.
  const delays = await sql<{ least: number; most: number }[]>`
    select min(extract(epoch from run_at - failed_at))::float8 as least, max(extract(epoch from run_at - failed_at))::float8 as most
    from task join task_error using (task_id)
  `;
  expect(delays[0]!.least).toBeGreaterThan(9);
  expect(delays[0]!.most).toBeLessThan(61);

  smtp.script = () => undefined;
  await sql`update task set run_at = now() where task_type = 'SEND_EMAIL_WELCOME'`;
  await until("all is sent and pruned", async () => (await sql`select from task`).length === 1, 20);
  expect(new Set(smtp.mails.map(({ id }) => id)).size).toBe(20);
  expect(smtp.mails).toHaveLength(40);
  for (const { date } of smtp.mails) expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000);

  const pruned = workers.flatMap((worker) =>
    worker.logged("done").filter(({ task_type }) => task_type === "PRUNE_HISTORY"),
  );
  expect(pruned).toHaveLength(1);
  expect(await sql`select from task_error`).toHaveLength(21);
  expect(
    await sql`select from schedule where name = 'prune history' and last_slot between now() - interval '25 hours' and now()`,
  ).toHaveLength(1);
  expect(await sql`select task_type from task where run_at > now()`).toEqual([{ task_type: "PRUNE_HISTORY" }]);

  // After one more heartbeat, no worker has expired the lease of another one.
  await until("each has sent another heartbeat", async () => {
    const seen =
      await sql`select from worker where seen_at between now() - interval '8 seconds' and now() and seen_at > started_at + interval '3 seconds'`;
    return seen.length === 3;
  });
  expect(workers.map((worker) => worker.logged("joined").length)).toEqual([1, 1, 1]);
  for (const worker of workers) expect(await worker.end()).toBe(0);
});
