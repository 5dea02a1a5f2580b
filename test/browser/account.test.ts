import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { mailbox } from "../../dev/mailbox.ts";
import { saveMail } from "../../dev/mails.ts";
import { startSmtp } from "../../dev/smtp.ts";
import { ada, addLink, addOwner, openSession, passwords } from "../support/accounts.ts";
import { openBrowser, violations } from "../support/browser.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

const inbox = await mkdtemp(`${tmpdir()}/inbox-`);
afterAll(() => rm(inbox, { recursive: true, force: true }));
const smtp = await startSmtp({ onMail: (mail) => saveMail(inbox, mail) });
afterAll(() => smtp.stop());
const { sql, url: databaseUrl } = await createDatabase();
const url = await serveApp(sql, { moreRoutes: [mailbox(inbox)], passwords });
runWorker(databaseUrl, smtp.url, { ORIGIN: url });
const browser = openBrowser();

const second = "another good secret";
const third = "a third good secret";
const newEmail = "countess@example.com";

beforeEach(() => empty(sql));

describe.each([
  ["with script", true],
  ["without script", false],
])("an owner, %s", (_, javaScriptEnabled) => {
  it("logs in, changes the password, logs out, forgets it, resets it, and leaves", async () => {
    const person = { ...ada, email: `ada.${javaScriptEnabled}@example.com` };
    await addOwner(sql, person);
    const page = await browser.visit(`${url}/login`, { javaScriptEnabled });
    await logIn(page, person);
    expect(await title(page)).toBe("Your account");

    await follow(page, "Change your password");
    await send(page, "Change the password", { "Your password now": ada.password, "New password": second });
    expect(await page.getByRole("status").first().textContent()).toContain("Your password is changed.");
    await send(page, "Log out");

    await page.goto(`${url}/login`);
    await follow(page, /forgot/i);
    await send(page, "Send the link", { "E-mail address": person.email });
    expect(await title(page)).toBe("Check your inbox");
    expect(await page.getByRole("main").textContent()).toContain(person.email);

    await openLink(page, person.email, "Choose a new password");
    await send(page, "Set the password", { "New password": third });
    expect(await title(page)).toBe("Log in");
    await logIn(page, { ...person, password: third });

    await follow(page, "Delete your account");
    await send(page, "Delete the account", { "Your password": third });
    expect(await title(page)).toBe("Your account is gone");
    await findMail(page, person.email, "Your account at slim-signup is gone");
    await page.goto(`${url}/account`);
    expect(await title(page)).toBe("Log in");
  });
});

describe("an owner", () => {
  it("moves to another address, and from the old one takes the account back", async () => {
    const person = { ...ada, email: "byron@example.com" };
    const next = "moved@example.com";
    const page = await openAs(await addOwner(sql, person), "/account/email");
    await send(page, "Send the link", { "New e-mail address": next, "Your password": person.password });
    expect(await title(page)).toBe("Check the new inbox");

    await openLink(page, next, "Confirm your new address at slim-signup");
    await send(page, "Use the new address");
    expect(await page.getByRole("main").textContent()).toContain(`You are logged in as ${next}`);

    await openLink(page, person.email, "Your account at slim-signup has a new address");
    await send(page, "Take it back");
    expect(await title(page)).toBe("Your account is yours again");
    await openLink(page, person.email, "Choose a new password");
    expect(await title(page)).toBe("Choose a new password");
  });
});

describe("the account page", () => {
  it("logs another browser out, then all of them", async () => {
    const usrId = await addOwner(sql);
    await openSession(sql, usrId, { address: "203.0.113.9" });
    const page = await openAs(usrId, "/account");
    expect(await page.getByRole("listitem").filter({ hasText: "203.0.113.9" }).count()).toBe(1);

    await send(page, "Log it out");
    expect(await page.getByText("203.0.113.9").count()).toBe(0);
    expect(await page.getByRole("status").first().textContent()).toBe("That browser is logged out.");
    await send(page, "Log out everywhere");
    expect(await title(page)).toBe("Log in");
  });

  it("downloads what is stored", async () => {
    const page = await openAs(await addOwner(sql), "/account");
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download your data" }).click();
    expect((await downloading).suggestedFilename()).toBe("slim-signup-data.json");
  });
});

describe("a form that is refused", () => {
  it("moves the focus to what is wrong, and from there to the field, which tells it", async () => {
    const page = await openAs(await addOwner(sql), "/account/password");
    expect(await hasFocus(page.getByLabel("Your password now", { exact: true }))).toBe(true);
    await send(page, "Change the password", { "Your password now": ada.password, "New password": "too short" });

    const summary = page.getByRole("alert");
    expect(await hasFocus(summary)).toBe(true);
    await summary.getByRole("link").click();
    const field = page.getByLabel("New password", { exact: true });
    expect(await hasFocus(field)).toBe(true);
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await field.getAttribute("aria-describedby")).toBe("new_password-hint new_password-problem");
    expect(await field.inputValue()).toBe("");
  });
});

type State = [name: string, title: string, reach: (usrId: string) => Promise<Page>];
const at =
  (path: string, act?: (page: Page) => Promise<void>) =>
  async (usrId: string): Promise<Page> => {
    const page = await openAs(usrId, path);
    await act?.(page);
    return page;
  };
const byLink = (path: string, purpose: string) => async (usrId: string) => {
  const isBack = purpose === "revert";
  const [change] = await sql<{ email_change_id: string }[]>`
    insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, ${newEmail})
    returning email_change_id
  `;
  const columns = { ...change, ...(isBack ? { email: "old@example.com" } : {}) };
  const token = await addLink(sql, purpose, usrId, columns);
  return openAs(usrId, `${path}?token=${token}`);
};

it.each<State>([
  ["the forgot form", "Forgot your password?", at("/password/forgot")],
  [
    "the forgot form with a problem",
    "Error: Forgot your password?",
    at("/password/forgot", (page) => send(page, "Send the link")),
  ],
  ["the forgot page's answer", "Check your inbox", at("/password/forgot/sent")],
  ["the reset form", "Choose a new password", byLink("/password/reset", "reset")],
  ["a dead link", "This link is of no use any more", at("/password/reset?token=nonsense")],
  ["the account", "Your account", at("/account")],
  ["the account with a notice", "Your account", at("/account?password-changed")],
  ["the password form", "Change your password", at("/account/password")],
  [
    "the password form with a problem",
    "Error: Change your password",
    at("/account/password", (page) => send(page, "Change the password")),
  ],
  ["the address form", "Change your e-mail address", at("/account/email")],
  [
    "the address form with a problem",
    "Error: Change your e-mail address",
    at("/account/email", (page) => send(page, "Send the link")),
  ],
  ["the address form's answer", "Check the new inbox", at("/account/email/sent")],
  ["the confirmation", "Is this your new address?", byLink("/account/email/confirm", "change")],
  ["the way back", "Take your account back?", byLink("/account/email/revert", "revert")],
  ["the account that is back", "Your account is yours again", at("/account/email/reverted")],
  [
    "a taken address",
    "This address has another account now",
    async (usrId) => {
      await addOwner(sql, { ...ada, email: newEmail });
      const page = await byLink("/account/email/confirm", "change")(usrId);
      await send(page, "Use the new address");
      return page;
    },
  ],
  ["the deletion form", "Delete your account", at("/account/delete")],
  [
    "the deletion form with a problem",
    "Error: Delete your account",
    at("/account/delete", (page) => send(page, "Delete the account", { "Your password": "wrong" })),
  ],
  ["the last page", "Your account is gone", at("/account/deleted")],
])("%s has no violation and fits the screen", async (_, expected, reach) => {
  const usrId = await addOwner(sql);
  await openSession(sql, usrId, { browser: "x".repeat(200), address: "2001:db8:1111:2222:3333:4444:5555:6666" });
  const page = await reach(usrId);
  expect(await title(page)).toBe(expected);

  // Each width in one of the schemes: their other halves are looked at where all pages get them from.
  for (const [width, colorScheme] of [
    [375, "light"],
    [1280, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    expect(await violations(page), `${width} ${colorScheme}`).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
  }
});

/** A browser in which the user is logged in. */
async function openAs(usrId: string, path: string): Promise<Page> {
  const [name = "", value = ""] = (await openSession(sql, usrId)).split("=");
  const cookie = { name, value, domain: new URL(url).hostname, path: "/", expires: -1 };
  const cookies = [{ ...cookie, httpOnly: true, secure: false, sameSite: "Lax" as const }];
  return browser.visit(url + path, { storageState: { cookies, origins: [] } });
}

async function logIn(page: Page, { email, password }: typeof ada): Promise<void> {
  await send(page, "Log in", { "E-mail address": email, Password: password });
}

async function send(page: Page, button: string, fields: Record<string, string> = {}): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  const submit = page.getByRole("main").getByRole("button", { name: button, exact: true });
  await Promise.all([page.waitForEvent("load"), submit.click()]);
}

async function follow(page: Page, link: string | RegExp): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.getByRole("main").getByRole("link", { name: link }).click()]);
}

async function title(page: Page): Promise<string> {
  return (await page.title()).replace(/ – slim-signup$/, "");
}

async function hasFocus(locator: Locator): Promise<boolean> {
  return (await locator.and(locator.page().locator(":focus")).count()) === 1;
}

/** Reloads the inbox until the mail is there, and opens it. */
async function findMail(page: Page, recipient: string, subject: string): Promise<void> {
  const row = page.getByRole("row").filter({ hasText: recipient }).filter({ hasText: subject });
  await expect
    .poll(
      async () => {
        await page.goto(`${url}/dev/mailbox`);
        return row.count();
      },
      { timeout: 10_000 },
    )
    .toBe(1);
  await row.getByRole("link").click();
}

/** Follows the button of a mail. */
async function openLink(page: Page, recipient: string, subject: string): Promise<void> {
  await findMail(page, recipient, subject);
  const link = page.frameLocator("iframe").getByRole("link").first();
  await page.goto((await link.getAttribute("href"))!);
}
