import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { passwords } from "../../support/accounts.ts";
import { openBrowser } from "../../support/browser.ts";
import { createDatabase } from "../../support/database.ts";
import { addWorker, enqueue } from "../../support/engine.ts";
import { serveApp } from "../../support/web.ts";
import { moveToDead, logInOperator } from "../operators.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql, { passwords });
const browser = openBrowser();
const viewport = { width: 1100, height: 1240 };

const cookie = await logInOperator(sql);
await fill();

it.each(["light", "dark"] as const)("operations, %s", async (colorScheme) => {
  const page = await browser.visit(`${site}/ops`, { colorScheme, viewport, reducedMotion: "reduce" }, cookie);
  await page.getByText("Live.", { exact: true }).waitFor();

  const file = fileURLToPath(new URL(`../../../.github/ops/operations-${colorScheme}.png`, import.meta.url));
  await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
  expect((await stat(file)).size).toBeGreaterThan(5000);
});

/** A busy hour. */
async function fill(): Promise<void> {
  await sql`
    insert into event (event_type, usr_id, data)
    values ('SIGNED_UP', 1, '{}'), ('MAIL_SENT', 1, '{"task_type": "SEND_EMAIL_WELCOME", "task_id": "1"}'),
      ('EMAIL_VERIFIED', 1, '{}'), ('LOGGED_IN', 1, '{}')
  `;
  const worker = await addWorker(sql);
  await sql`
    update worker
    set task_types = '{SEND_EMAIL_WELCOME,SEND_EMAIL_REMINDER,COUNT_WORDS}', event_loop_delay_milliseconds = 3, host = 'worker.1'
  `;
  await enqueue(sql, "SEND_EMAIL_WELCOME", 3);
  await enqueue(sql, "SEND_EMAIL_WELCOME", 2, { worker_id: worker, attempt: 1 });
  const [failing] = await enqueue(sql, "SEND_EMAIL_REMINDER", 12, {
    attempt: 1,
    run_at: new Date(Date.now() + 600_000),
  });
  await sql`insert into task_error (task_id, attempt, error) values (${failing!}, 1, '421 Try again later.')`;
  await enqueue(sql, "COUNT_WORDS", 2);
  await moveToDead(sql, "COUNT_WORDS", "The service answered 500.");
  await sql`
    insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
    select date_trunc('minute', now()) - make_interval(mins => n), 'SEND_EMAIL_WELCOME', false, 1, 20 + n * 7 % 23, 1
    from generate_series(0, 59) as n
  `;
}
