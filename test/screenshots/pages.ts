import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ada, addUser, openSession, passwords } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { moveToDead } from "../support/operators.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql, { passwords });
const browser = openBrowser();

const owner = await addUser(sql);
await sql`insert into operator (usr_id) values (${owner})`;
const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const [name, value] = (await openSession(sql, owner, { browser: firefox, address: "192.0.2.7" })).split("=") as [
  string,
  string,
];
await fill();

it.each([
  ["signup", "/signup", { width: 640, height: 660 }],
  ["account", "/account", { width: 640, height: 1060 }],
  ["operations", "/ops", { width: 1100, height: 1240 }],
])("%s", async (picture, path, viewport) => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.visit(`${site}/signup`, { colorScheme, viewport, reducedMotion: "reduce" });
    if (path !== "/signup") await page.context().addCookies([{ name, value, url: site }]);
    await page.goto(site + path);
    if (path === "/signup") await page.getByLabel("Email address").fill(ada.email);
    if (path === "/ops") await page.getByText("Live.", { exact: true }).waitFor();

    const file = fileURLToPath(new URL(`../../.github/${picture}-${colorScheme}.png`, import.meta.url));
    await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
    expect((await stat(file)).size).toBeGreaterThan(5000);
  }
});

/** A busy hour. */
async function fill(): Promise<void> {
  await sql`
    insert into event (event_type, usr_id, data)
    values
      ('SIGNED_UP', ${owner}, '{}'),
      ('MAIL_SENT', ${owner}, '{"task_type": "SEND_EMAIL_WELCOME", "task_id": "1", "subject": "Welcome to slim-signup"}'),
      ('EMAIL_VERIFIED', ${owner}, '{}'),
      ('LOGGED_IN', ${owner}, '{}')
  `;
  const worker = await addWorker(sql);
  await sql`
    update worker
    set task_types = '{SEND_EMAIL_WELCOME,SEND_EMAIL_REMINDER,POST_WEBHOOK}', event_loop_delay_milliseconds = 3, host = 'worker.1'
  `;
  await enqueue(sql, "SEND_EMAIL_WELCOME", 3);
  await enqueue(sql, "SEND_EMAIL_WELCOME", 2, { worker_id: worker, attempt: 1 });
  const [failing] = await enqueue(sql, "SEND_EMAIL_REMINDER", 12, {
    attempt: 1,
    run_at: new Date(Date.now() + 600_000),
  });
  await sql`insert into task_error (task_id, attempt, error) values (${failing!}, 1, '421 Try again later.')`;
  await enqueue(sql, "POST_WEBHOOK", 2);
  await moveToDead(sql, "POST_WEBHOOK", "The receiver answered 500.");
  await sql`
    insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
    select date_trunc('minute', now()) - make_interval(mins => n), 'SEND_EMAIL_WELCOME', false, 1, 20 + n * 7 % 23, 1
    from generate_series(0, 59) as n
  `;
}
