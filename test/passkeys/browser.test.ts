import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { openBrowser, pageProblems } from "../support/browser.ts";
import { hasFocus, logIn, openMail, runSite, send, titleOf } from "../support/browser-session.ts";
import { empty } from "../support/database.ts";
import { until } from "../support/until.ts";
import { addAuthenticator } from "./virtual-authenticator.ts";

const { sql, url } = await runSite("localhost");
const browser = openBrowser();

beforeEach(() => empty(sql));

const follow = (page: Page, name: string) =>
  Promise.all([page.waitForEvent("load"), page.getByRole("main").getByRole("link", { name }).click()]);
const isAt = (page: Page, path: string) => until(`the page ${path}`, () => page.url() === url + path);
const problemOf = (page: Page) => page.locator("form[data-passkey] [role=alert]");

/** Opens a page as a logged-in user whose browser has a device. */
async function visitWithDevice(path: string, options?: Parameters<typeof addAuthenticator>[1]) {
  const page = await browser.visit(url + path, {}, await openSession(sql, await addUser(sql)));
  return { page, device: await addAuthenticator(page, options) };
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto(`${url}/account/passkeys/add`);
  await send(page, "Add passkey", { "Name of the passkey": name });
}

describe("the log-in form", () => {
  it("fills in a passkey by itself, and asks for it at the button", async () => {
    const { page, device } = await visitWithDevice("/account");
    await addPasskey(page, "Laptop");
    await send(page, "Log out");
    await device.setPresent(false);
    await page.goto(`${url}/login`);
    const email = page.getByLabel("Email address");
    await until("autofill is offered", async () => (await email.getAttribute("autocomplete")) === "username webauthn");
    const button = page.getByRole("button", { name: "Log in with a passkey" });
    expect(await pageProblems(page)).toEqual([]);

    await device.setPresent(true);
    await button.click();
    await isAt(page, "/account");
  });

  it("says so when the device has none, and logs in by password", async () => {
    const { page } = await visitWithDevice("/account");
    await send(page, "Log out");
    await page.goto(`${url}/login`);
    await page.getByRole("button", { name: "Log in with a passkey" }).click();
    await until("a message", async () => (await problemOf(page).textContent()) !== "");
    expect(await problemOf(page).textContent()).toBe("No passkey was used. Try again.");
    expect(await pageProblems(page)).toEqual([]);
    await logIn(page, ada);
    await isAt(page, "/account");
  });

  it("refuses a copied passkey with a message, and mails the owner", async () => {
    const { page } = await visitWithDevice("/account");
    await addPasskey(page, "Laptop");
    await sql`update passkey set counter = 1000`;
    await send(page, "Log out");
    // A browser without autofill: this device would answer again and again.
    await page.addInitScript("PublicKeyCredential.isConditionalMediationAvailable = async () => false");
    await page.goto(`${url}/login`);
    await send(page, "Log in with a passkey");
    expect(await titleOf(page)).toBe("Error: Log in");
    expect(await page.getByText("The passkey did not work.").count()).toBe(1);
    expect(await pageProblems(page)).toEqual([]);
    await openMail(page, ada.email, `We blocked a passkey of your account at ${siteName}`);
  });

  it("offers passkeys to no browser without script", async () => {
    const page = await browser.visit(`${url}/login`, { javaScriptEnabled: false });
    expect(await page.getByRole("button", { name: "Log in with a passkey" }).isVisible()).toBe(false);
  });
});

describe("the page that adds a passkey", () => {
  it("puts the focus on the name when it shows the form, also after the first paint", async () => {
    const { page } = await visitWithDevice("/account");
    await page.route(/passkeys.*\.js/, async (route) => {
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))");
      await route.continue();
    });
    await page.goto(`${url}/account/passkeys/add`);
    expect(await hasFocus(page.getByLabel("Name of the passkey"))).toBe(true);
  });

  it("leads to a proof when the last one has become too old meanwhile, and comes back", async () => {
    const { page } = await visitWithDevice("/account/passkeys/add");
    await sql`update session set proved_at = 'epoch'`;
    // The refusal is no fault here.
    page.removeAllListeners("response");
    page.removeAllListeners("console");
    await page.getByRole("button", { name: "Add passkey" }).click();
    await isAt(page, "/proof?to=%2Faccount%2Fpasskeys%2Fadd");
    await send(page, "Continue", { "Your password": ada.password });
    expect(page.url()).toBe(`${url}/account/passkeys/add`);
  });

  it("says so when the device has one already", async () => {
    const { page, device } = await visitWithDevice("/account");
    await addPasskey(page, "Laptop");
    await page.goto(`${url}/account/passkeys/add`);
    expect(await pageProblems(page)).toEqual([]);
    await page.getByRole("button", { name: "Add passkey" }).click();
    await until("a message", async () => (await problemOf(page).textContent()) !== "");
    expect(await problemOf(page).textContent()).toBe("This device has a passkey for your account already.");
    expect(await device.readPasskeys()).toHaveLength(1);
    expect(await pageProblems(page)).toEqual([]);
  });

  it.each([
    ["keeps no passkeys", { hasResidentKey: false }],
    ["does not check its user", { isUserVerified: false }],
  ])("says so when the device %s", async (_, options) => {
    const { page } = await visitWithDevice("/account/passkeys/add", options);
    await page.getByRole("button", { name: "Add passkey" }).click();
    await until("a message", async () => (await problemOf(page).textContent()) !== "");
    expect(await sql`select from passkey`).toHaveLength(0);
  });

  it("moves the focus to the problem when the name is empty", async () => {
    const { page } = await visitWithDevice("/account/passkeys/add");
    await send(page, "Add passkey", { "Name of the passkey": "" });
    expect(await titleOf(page)).toBe("Error: Add a passkey");
    expect(await pageProblems(page)).toEqual([]);
  });

  it("explains what is missing without script", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    const page = await browser.visit(`${url}/account/passkeys/add`, { javaScriptEnabled: false }, cookie);
    expect(await page.getByText("Passkeys need JavaScript").isVisible()).toBe(true);
    expect(await page.getByRole("button", { name: "Add passkey" }).isVisible()).toBe(false);
  });
});

describe("the account page", () => {
  it("renames a passkey and removes it, after a proof by that passkey", async () => {
    const { page } = await visitWithDevice("/account");
    await addPasskey(page, "Laptop");
    expect(await pageProblems(page)).toEqual([]);
    await follow(page, "Rename");
    expect(await pageProblems(page)).toEqual([]);
    await send(page, "Rename", { "Name of the passkey": "Phone" });

    await sql`update session set proved_at = 'epoch'`;
    await send(page, "Remove");
    expect(await titleOf(page)).toBe("Confirm that it is you");
    expect(await pageProblems(page)).toEqual([]);
    await send(page, "Use a passkey instead");
    await isAt(page, "/account?passkey-removed");
    expect(await page.getByText("Phone").count()).toBe(0);
  });
});
