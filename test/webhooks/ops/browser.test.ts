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
  await sql`alter sequence webhook_webhook_id_seq restart`;
  await addWebhook(sql, `https://receiver.example.com/${"hooks".repeat(30)}`, { failures: 3 });
  await sql`
    update webhook
    set
      pause_until = now() + interval '1 hour', last_error = 'The receiver responded with 500.',
      old_secrets = '{hush}', old_secrets_expire_at = now() + interval '1 hour'
  `;
  const gone = await addWebhook(sql, "https://gone.example.com", { event_types: ["SIGNED_UP"] });
  await sql`insert into webhook_disabled (webhook_id, reason) values (${gone}, 'The receiver responded with 410.')`;
}

describe("the pages of webhooks", () => {
  it.each([
    ["empty", "/ops/webhooks", async () => {}],
    ["full", "/ops/webhooks?test", fill],
    ["of one endpoint", "/ops/webhooks/1", fill],
  ])("%s has no violation and fits the screen", async (_, path, prepare) => {
    await prepare();
    const page = await browser.visit(site + path, {}, await logInOperator(sql));
    expect(await pageProblems(page)).toEqual([]);
  });

  it("edit an endpoint and rotate its secret, without a violation in any state", async () => {
    await fill();
    const page = await browser.visit(`${site}/ops/webhooks`, {}, await logInOperator(sql));
    await page.getByRole("link", { name: "Edit" }).first().click();
    await page.getByLabel("Requests per second").fill("many");
    await page.getByLabel("Event types").fill("signed_up");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("There is a problem").waitFor();
    expect(await pageProblems(page)).toEqual([]);

    await page.getByLabel("Requests per second").fill("5");
    await page.getByLabel("Event types").fill("SIGNED_UP");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The endpoint is changed.").waitFor();

    await page.getByRole("link", { name: "Edit" }).first().click();
    await page.getByRole("button", { name: "Rotate the secret" }).click();
    expect(await page.getByLabel("Secret").inputValue()).toMatch(/^whsec_/);
    expect(page.url()).not.toContain("whsec");
    expect(await pageProblems(page)).toEqual([]);
  });
});
