import { expect, it } from "vitest";
import { startSmtp } from "../../dev/smtp.ts";
import { chaosWorker, enqueueMails } from "../support/chaos.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

it.each([
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGTERM"],
] as const)("a worker that gets %s and then %s finishes its running task and exits 0", async (first, second) => {
  const { sql, url } = await createDatabase();
  const gate = Promise.withResolvers<void>();
  let offered = 0;
  const smtp = await startSmtp({
    async onMail() {
      offered += 1;
      await gate.promise;
    },
  });
  cleanUp(() => smtp.stop());
  await enqueueMails(sql, "SEND_EMAIL_WELCOME", 1);
  const worker = chaosWorker(url, smtp.url, {}, "worker/main.ts");
  await until("the task is running", () => offered === 1);

  worker.child.kill(first);
  await until("the worker drains", () => worker.logged("draining").length === 1);
  worker.child.kill(second);
  gate.resolve();
  expect(await worker.exited).toBe(0);
  expect([offered, await isEmpty(sql)]).toEqual([1, true]);
  expect(worker.logged("done")).toMatchObject([{ attempt: 1 }]);
  expect(await sql`select from worker`).toHaveLength(0);
});
