import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { FrameLocator, Locator, Page } from "playwright-core";
import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { mailbox } from "../../dev/mailbox.ts";
import { saveMail } from "../../dev/mails.ts";
import { startSmtp } from "../../dev/smtp.ts";
import type { ada } from "./accounts.ts";
import { cleanUp } from "./clean-up.ts";
import { createDatabase } from "./database.ts";
import { until } from "./until.ts";
import { serveApp } from "./web.ts";
import { runWorker } from "./worker.ts";

/** The site, a worker that sends its mails, and the inbox at /dev/mailbox that shows them. */
export async function runSite(host?: string): Promise<{ sql: Sql; url: string }> {
  const inbox = await mkdtemp(`${tmpdir()}/inbox-`);
  cleanUp(() => rm(inbox, { recursive: true, force: true }));
  const smtp = await startSmtp({ onMail: (mail) => saveMail(inbox, mail) });
  cleanUp(() => smtp.stop());
  const { sql, url: databaseUrl } = await createDatabase();
  const url = await serveApp(sql, { moreRoutes: [mailbox(inbox)], ...(host && { host }) });
  runWorker(databaseUrl, smtp.url, { ORIGIN: url });
  return { sql, url };
}

export const emailField = (page: Page): Locator => page.getByLabel("Email address");
export const passwordField = (page: Page): Locator => page.getByLabel("Password", { exact: true });

export const signUp = (page: Page, person: typeof ada): Promise<void> => send(page, "Sign up", credentials(person));
export const logIn = (page: Page, person: typeof ada): Promise<void> => send(page, "Log in", credentials(person));
const credentials = ({ email, password }: typeof ada) => ({ "Email address": email, Password: password });

/** Fills in fields by their labels and submits the form by its button. */
export async function send(page: Page, button: string, fields: Record<string, string> = {}): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  const submit = page.getByRole("button", { name: button, exact: true });
  await Promise.all([page.waitForEvent("load"), submit.click()]);
}

/** The title of a page without the site name. */
export async function titleOf(page: Page): Promise<string> {
  return (await page.title()).replace(` – ${siteName}`, "");
}

/** True once the element has the focus, which a page may set after it loaded. Throws after 5 s. */
export function hasFocus(locator: Locator): Promise<boolean> {
  const focused = locator.and(locator.page().locator(":focus"));
  return until("it has the focus", async () => (await focused.count()) === 1, 5);
}

/** Reloads the inbox until the mail is there, and opens it. */
export async function openMail(page: Page, recipient: string, subject: string): Promise<FrameLocator> {
  const row = page.getByRole("row").filter({ hasText: recipient }).filter({ hasText: subject });
  await until(`a mail "${subject}" to ${recipient}`, async () => {
    await page.goto(new URL("/dev/mailbox", page.url()).href);
    return (await row.count()) === 1;
  });
  await row.getByRole("link").click();
  return page.frameLocator("iframe");
}

/** Clicks a link of a mail and returns the tab in which it opens. */
export async function openTab(page: Page, mail: FrameLocator, name: string): Promise<Page> {
  const link = mail.getByRole("link", { name });
  const popup = page.waitForEvent("popup");
  // Chromium drops a click on a frame that it has not drawn yet.
  const tab = await until(`the link "${name}" opens`, async () => {
    await link.click();
    return Promise.race([popup, delay(1000, undefined)]);
  });
  await tab.waitForLoadState();
  return tab;
}
