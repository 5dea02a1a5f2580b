import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { projectName, siteName } from "../../app/env.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import { empty } from "../support/database.ts";
import { hasFocus, logIn, openMail, runSite, send, titleOf } from "../support/browser-session.ts";

const { sql, url } = await runSite();
const browser = openBrowser();

const second = "another good secret";
const third = "a third good secret";

beforeEach(() => empty(sql));

/** Opens a page as the logged-in user. */
const visitAs = async (usrId: string, path: string) => browser.visit(url + path, {}, await openSession(sql, usrId));

describe.each([
  ["with script", true],
  ["without script", false],
])("a user, %s", (_, javaScriptEnabled) => {
  it("logs in, changes the password, logs out, forgets it, resets it, and leaves", async () => {
    const person = { ...ada, email: `ada.${javaScriptEnabled}@example.com` };
    await addUser(sql, person);
    const page = await browser.visit(`${url}/login`, { javaScriptEnabled });
    await logIn(page, person);
    expect(await titleOf(page)).toBe("Your account");

    await follow(page, "Change your password");
    await send(page, "Change password", { "New password": second });
    expect(await page.getByRole("status").first().textContent()).toContain("Your password was changed.");
    await send(page, "Log out");

    await page.goto(`${url}/login`);
    await follow(page, /forgot/i);
    await send(page, "Send link", { "Email address": person.email });
    expect(await titleOf(page)).toBe("Check your email");
    expect(await page.getByRole("main").textContent()).toContain(person.email);

    await openMailLink(page, person.email, "Choose a new password");
    await send(page, "Set new password", { "New password": third });
    expect(await titleOf(page)).toBe("Log in");
    await logIn(page, { ...person, password: third });

    await follow(page, "Delete your account");
    await send(page, "Delete account");
    expect(await titleOf(page)).toBe("Account deleted");
    await openMail(page, person.email, `Your account at ${siteName} is deleted`);
    await page.goto(`${url}/account`);
    expect(await titleOf(page)).toBe("Log in");
  });
});

describe("a user", () => {
  it("changes the address, and takes the account back from the old one", async () => {
    const person = { ...ada, email: "byron@example.com" };
    const next = "moved@example.com";
    const page = await visitAs(await addUser(sql, person), "/account/email");
    await send(page, "Send link", { "New email address": next });
    expect(await titleOf(page)).toBe("Check your email");

    await openMailLink(page, next, `Confirm your new email address at ${siteName}`);
    await send(page, "Confirm address");
    expect(await page.getByRole("main").textContent()).toContain(`You are logged in as ${next}`);

    await openMailLink(page, person.email, `Your email address at ${siteName} was changed`);
    await send(page, "Restore address");
    expect(await titleOf(page)).toBe("Your email address is restored");
    await openMailLink(page, person.email, "Choose a new password");
    expect(await titleOf(page)).toBe("Choose a new password");
  });
});

describe("the account page", () => {
  it("ends the session of another browser, then all sessions", async () => {
    const usrId = await addUser(sql);
    await openSession(sql, usrId, { address: "203.0.113.9" });
    const page = await visitAs(usrId, "/account");
    expect(await page.getByRole("row").filter({ hasText: "203.0.113.9" }).count()).toBe(1);

    await send(page, "End session");
    expect(await page.getByText("203.0.113.9").count()).toBe(0);
    expect(await page.getByRole("status").first().textContent()).toBe("The session was ended.");
    await send(page, "Log out everywhere");
    expect(await titleOf(page)).toBe("Log in");
  });

  it("downloads what is stored", async () => {
    const page = await visitAs(await addUser(sql), "/account");
    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download your data" }).click();
    expect((await downloading).suggestedFilename()).toBe(`${projectName}-data.json`);
  });
});

describe("a form with a problem", () => {
  it("moves the focus to the summary, and from there to the field, which has the message", async () => {
    const page = await visitAs(await addUser(sql), "/account/password");
    expect(await hasFocus(page.getByLabel("New password", { exact: true }))).toBe(true);
    await send(page, "Change password", { "New password": "too short" });

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

async function follow(page: Page, link: string | RegExp): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.getByRole("main").getByRole("link", { name: link }).click()]);
}

/** Opens the link of a mail's button. */
async function openMailLink(page: Page, recipient: string, subject: string): Promise<void> {
  const mail = await openMail(page, recipient, subject);
  const link = mail.getByRole("link").first();
  await page.goto((await link.getAttribute("href"))!);
}
