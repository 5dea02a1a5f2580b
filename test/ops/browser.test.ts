import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { pageProblems, openBrowser } from "../support/browser.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";
import { moveToDead, logInOperator } from "./operators.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql);
const browser = openBrowser();

let cookie: string;
beforeEach(async () => {
  await empty(sql);
  cookie = await logInOperator(sql);
});

const open = (path: string, options = {}): Promise<Page> => browser.visit(site + path, options, cookie);

/** Something of everything that the pages can show. */
async function fill(): Promise<{ failing: string; running: string; dead: string }> {
  const worker = await addWorker(sql);
  await sql`update worker set task_types = '{SEND_EMAIL_WELCOME,SEND_EMAIL_REMINDER}', event_loop_delay_milliseconds = 3`;
  await sql`
    insert into breaker (worker_id, task_type, open_until, error)
    values (${worker}, 'SEND_EMAIL_REMINDER', now() + interval '1 minute', 'The mail server is away.')
  `;
  await enqueue(sql, "SEND_EMAIL_WELCOME", 2, { run_at: new Date(Date.now() - 20_000) });
  const [running] = await enqueue(sql, "SEND_EMAIL_WELCOME", 1, { worker_id: worker, attempt: 1 });
  const [failing] = await enqueue(sql, "SEND_EMAIL_REMINDER", 2, {
    attempt: 2,
    run_at: new Date(Date.now() + 600_000),
  });
  await sql`insert into task_error (task_id, attempt, error) values (${failing!}, 2, ${"421 ".repeat(60)})`;
  await enqueue(sql, `OF_A_RELEASE_${"THAT_IS_TO_COME_".repeat(4)}`);
  const [dead] = await enqueue(sql, "COUNT_WORDS", 2);
  await moveToDead(sql, "COUNT_WORDS");
  await sql`
    insert into attempt_statistics (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
    select date_trunc('minute', now()) - make_interval(mins => n), 'SEND_EMAIL_WELCOME', n % 3 = 0, 1, 1 + n % 7, 1
    from generate_series(0, 59) as n
  `;
  await sql`insert into event (event_type, usr_id, data) values ('MAIL_SENT', 7, '{"task_id": "12"}')`;
  await sql`insert into event_consumer (name) values ('audit') on conflict do nothing`;
  return { failing: failing!, running: running!, dead: dead! };
}

describe("the operations pages", () => {
  it.each([
    ["empty", "/ops", false],
    ["full", "/ops", true],
    ["of a type that fails", "/ops/types/SEND_EMAIL_REMINDER", true],
    ["of a type with dead tasks", "/ops/types/COUNT_WORDS?retried", true],
    ["of a type that is not there", "/ops/types/NOTHING", true],
    ["of a task that fails", "/ops/tasks/failing?nothing", true],
    ["of a running task", "/ops/tasks/running", true],
    ["of a task that is dead", "/ops/tasks/dead", true],
  ])("%s (%s) have no violation and fit the screen, tables included", async (_, path, isFull) => {
    const ids = isFull ? await fill() : { failing: "", running: "", dead: "" };
    const page = await open(path.replace(/failing|running|dead/, (name) => ids[name as keyof typeof ids]));
    if (path === "/ops") await page.getByText("Live.", { exact: true }).waitFor();
    if (path === "/ops" && isFull) await page.getByRole("link", { name: "COUNT_WORDS" }).waitFor();
    expect(await pageProblems(page)).toEqual([]);

    await page.setViewportSize({ width: 375, height: 800 });
    const isCut = "[...document.querySelectorAll('table')].some((table) => table.scrollWidth > table.clientWidth)";
    expect(await page.evaluate(isCut)).toBe(false);
  });

  it("update themselves, and keep the focus", async () => {
    await enqueue(sql, "COUNT_WORDS");
    const page = await open("/ops");
    await page.getByText("Live.", { exact: true }).waitFor();
    await page.getByRole("link", { name: "COUNT_WORDS" }).focus();

    await enqueue(sql, "BAKE_BREAD");
    await page.getByRole("link", { name: "BAKE_BREAD" }).waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("COUNT_WORDS");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "COUNT_WORDS" }).waitFor();
  });

  it("work by keyboard and without JavaScript", async () => {
    const [id] = await enqueue(sql, "MAIL", 1, { run_at: new Date(Date.now() + 600_000) });
    const page = await open(`/ops/tasks/${id}`, { javaScriptEnabled: false });
    const press = async (name: string) => {
      await page.getByRole("button", { name }).focus();
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
    };
    await press("Run now");
    expect(await page.getByRole("status").textContent()).toBe("Done.");
    expect(await page.getByText("Due since").count()).toBe(1);
    await press("Bury");
    expect(await page.getByText("Buried by an operator.").count()).toBe(1);
    await press("Retry");
    await page.goto(`${site}/ops/types/MAIL`);
    await page.getByRole("link", { name: /^\d+$/ }).click();
    await press("Cancel");
    expect(await sql`select from task union all select from task_dead`).toHaveLength(0);
  });

  it("retry all dead tasks of a type by keyboard", async () => {
    await fill();
    const page = await open("/ops/types/COUNT_WORDS");
    await page.getByRole("button", { name: "Retry all dead tasks" }).focus();
    await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
    expect(await page.getByRole("status").textContent()).toContain("enqueued again");
    expect(await sql`select from task where task_type = 'COUNT_WORDS'`).toHaveLength(2);
  });
});
