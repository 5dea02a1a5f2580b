import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../../app/env.ts";
import { ada } from "../../support/accounts.ts";
import { openBrowser } from "../../support/browser.ts";
import { logIn, openMail, openTab, runSite, send, signUp } from "../../support/browser-session.ts";
import { empty } from "../../support/database.ts";
import { until } from "../../support/until.ts";
import { addAuthenticator } from "../virtual-authenticator.ts";

const { sql, url } = await runSite("localhost");
const browser = openBrowser();

beforeEach(() => empty(sql));

const follow = (page: Page, name: string) =>
  Promise.all([page.waitForEvent("load"), page.getByRole("main").getByRole("link", { name }).click()]);
const isAt = (page: Page, path: string) => until(`the page ${path}`, () => page.url() === url + path);

describe.each([
  [375, "light"],
  [375, "dark"],
  [1280, "light"],
  [1280, "dark"],
] as const)("a person at %i pixels, %s", (width, colorScheme) => {
  it("signs up, adds a passkey, logs out, logs in by autofill, loses it, and gets back in by mail", async () => {
    const person = { ...ada, email: `ada.${width}.${colorScheme}@example.com` };
    const page = await browser.visit(`${url}/signup`, { viewport: { width, height: 800 }, colorScheme });
    const device = await addAuthenticator(page);
    await signUp(page, person);
    const welcome = await openMail(page, person.email, `Welcome to ${siteName}: verify your email address`);
    const tab = await openTab(page, welcome, "Verify your email address");
    await send(tab, "Verify and log in");
    await tab.close();

    await page.goto(`${url}/account`);
    await follow(page, "Add a passkey");
    await send(page, "Add passkey", { "Name of the passkey": "Laptop" });
    expect(await page.getByRole("row").filter({ hasText: "Laptop" }).count()).toBe(1);
    expect(await page.getByRole("status").textContent()).toContain("The passkey was added.");

    await send(page, "Log out");
    await page.goto(`${url}/login`);
    await isAt(page, "/account");
    expect(await page.getByRole("main").textContent()).toContain(person.email);

    await device.reset();
    await send(page, "Log out");
    await page.goto(`${url}/login`);
    await follow(page, "Forgot your password?");
    await send(page, "Send link", { "Email address": person.email });
    const mail = await openMail(page, person.email, "Choose a new password");
    await page.goto((await mail.getByRole("link").first().getAttribute("href"))!);
    await send(page, "Set new password", { "New password": "another good secret" });
    await logIn(page, { ...person, password: "another good secret" });
    await isAt(page, "/account");
    expect(await page.getByText("Laptop").count()).toBe(0);
    const warning = await openMail(page, person.email, `A passkey was added to your account at ${siteName}`);
    expect(await warning.locator("body").textContent()).toMatch(/Browser: Chrome.*Network: /s);
  });
});
