import { expect, it } from "vitest";
import { projectName } from "../../app/env.ts";
import { chaosWorker, hold, enqueueMails } from "../support/chaos.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";

/** Longer than a worker waits for a response on one connection, and then on the next. */
const lockedSeconds = 50;
const connections = 4;

it("a worker that meets a lock on the table task, or worker, leaves no waiting backend behind", async () => {
  await Promise.all(["task", "worker"].map(meetLock));
});

async function meetLock(table: string): Promise<void> {
  const { sql, url } = await createDatabase();
  const smtp = await receiveMails();
  const worker = chaosWorker(url, smtp.url, { DATABASE_POOL: String(connections) }, "worker/main.ts");
  await worker.joined();
  const unlock = await hold(sql, (tx) => tx`lock table ${sql(table)} in access exclusive mode`);
  if (table === "worker") await enqueueMails(sql, "SEND_EMAIL_WELCOME", 50);
  const locked = performance.now();
  let most = 0;
  await until(
    "the table was locked for long",
    async () => {
      const rows = await sql`
        select from pg_stat_activity
        where datname = current_database() and application_name like ${projectName + " worker%"}
      `;
      most = Math.max(most, rows.length);
      return performance.now() - locked > lockedSeconds * 1000;
    },
    lockedSeconds + 10,
  );
  console.log(`${table} locked for ${lockedSeconds} s: ${most} connections of ${connections}`);
  expect(most).toBeLessThanOrEqual(connections);

  await unlock();
  if (table === "task") await enqueueMails(sql, "SEND_EMAIL_WELCOME", 50);
  await until("the mails are sent", () => isEmpty(sql), 60);
  expect(smtp.mails).toHaveLength(50);
  expect(await worker.end()).toBe(0);
}
