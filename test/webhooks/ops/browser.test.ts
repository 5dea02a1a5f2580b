import { beforeEach, describe, expect, it } from "vitest";
import { pageProblems, openBrowser } from "../../support/browser.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { logInOperator } from "../../ops/operators.ts";
import { addWebhook } from "../receiver.ts";
import { serveApp } from "../../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql);
const browser = openBrowser();

beforeEach(async () => {
  await empty(sql);
  await sql`delete from webhook`;
});

/** An endpoint in each state. */
async function fill(): Promise<void> {
  await addWebhook(sql, `https://receiver.example.com/${"hooks".repeat(30)}`, { failures: 3 });
  await sql`update webhook set pause_until = now() + interval '1 hour', last_error = 'The receiver responded with 500.'`;
  const gone = await addWebhook(sql, "https://gone.example.com", { event_types: ["SIGNED_UP"] });
  await sql`insert into webhook_disabled (webhook_id, reason) values (${gone}, 'The receiver responded with 410.')`;
}

describe("the page of webhooks", () => {
  it.each([
    ["empty", "/ops/webhooks", async () => {}],
    ["full", "/ops/webhooks?test", fill],
  ])("%s has no violation and fits the screen", async (_, path, prepare) => {
    await prepare();
    const page = await browser.visit(site + path, {}, await logInOperator(sql));
    expect(await pageProblems(page)).toEqual([]);
  });
});
