import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import {
  emailField,
  hasFocus,
  logIn,
  openTab,
  openMail,
  passwordField,
  runSite,
  send,
  signUp,
} from "../support/browser-session.ts";

const { sql, url } = await runSite();
const browser = openBrowser();

// The worker's own row stays: without it, the worker would have to join again.
beforeEach(() =>
  sql`delete from email_verified; delete from usr; delete from task; delete from rate_limit; delete from email_suppression`.simple(),
);

describe.each([
  ["with script", true],
  ["without script", false],
])("signing up %s", (_, javaScriptEnabled) => {
  const someone = (name: string) => ({ ...ada, email: `${name}.${javaScriptEnabled}@example.com` });

  it("leads from the start page to the mail in the inbox, and from its link to the account", async () => {
    const person = someone("here");
    const page = await browser.visit(url, { javaScriptEnabled });
    await page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
    await signUp(page, person);
    expect(await page.title()).toBe(`Check your email – ${siteName}`);
    expect(await page.getByRole("main").textContent()).toContain(person.email);

    const mail = await openMail(page, person.email, `Welcome to ${siteName}: verify your email address`);
    const link = await openTab(page, mail, "Verify your email address");
    const button = link.getByRole("button", { name: "Verify and log in" });
    expect(await hasFocus(button)).toBe(true);
    // Chromium drops keys before it has drawn the page, but it keeps clicks.
    await send(link, "Verify and log in");
    expect(link.url()).toBe(`${url}/account`);
    expect(await link.getByRole("main").textContent()).toContain(person.email);
  });

  it("asks for a new password in another browser, and the old password no longer works", async () => {
    const person = someone("elsewhere");
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, person);
    const mail = await openMail(page, person.email, `Welcome to ${siteName}: verify your email address`);
    const link = await mail.getByRole("link", { name: "Verify your email address" }).getAttribute("href");

    const elsewhere = await browser.visit(link!, { javaScriptEnabled });
    const newPassword = elsewhere.getByLabel("New password", { exact: true });
    expect(await hasFocus(newPassword)).toBe(true);
    await newPassword.fill("too short");
    await send(elsewhere, "Verify and log in");
    expect(await elsewhere.title()).toBe(`Error: Verify your email address – ${siteName}`);
    expect(await hasFocus(elsewhere.getByRole("alert"))).toBe(true);
    await newPassword.fill("another good secret");
    await send(elsewhere, "Verify and log in");
    expect(elsewhere.url()).toBe(`${url}/account`);

    await page.goto(`${url}/login`);
    await logIn(page, person);
    expect(await page.title()).toBe(`Error: Log in – ${siteName}`);
    expect(await emailField(page).inputValue()).toBe(person.email);
    expect(await hasFocus(page.getByRole("alert"))).toBe(true);
    await logIn(page, { ...person, password: "another good secret" });
    expect(page.url()).toBe(`${url}/account`);
    await send(page, "Log out");
    await page.goto(`${url}/account`);
    expect(page.url()).toBe(`${url}/login`);
  });

  it("deletes the account when the owner of the address refuses the signup", async () => {
    const person = someone("refusing");
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, person);
    const mail = await openMail(page, person.email, `Welcome to ${siteName}: verify your email address`);
    const link = await mail.getByRole("link", { name: "I did not sign up" }).getAttribute("href");

    const elsewhere = await browser.visit(link!, { javaScriptEnabled });
    await send(elsewhere, "Delete account");
    expect(await elsewhere.title()).toBe(`Account deleted – ${siteName}`);
    expect(await sql`select from usr`).toEqual([]);
  });

  it("keeps the address and empties the password of an invalid form", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, { ...ada, password: "too short" });

    expect(await page.title()).toBe(`Error: Sign up – ${siteName}`);
    expect(await emailField(page).inputValue()).toBe(ada.email);
    expect(await passwordField(page).inputValue()).toBe("");
  });

  it("moves the focus to the summary of problems, and from there to the field", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    expect(await hasFocus(emailField(page))).toBe(true);
    await signUp(page, { email: "ada@example", password: "too short" });

    const summary = page.getByRole("alert");
    expect(await hasFocus(summary)).toBe(true);
    await summary.getByRole("link").last().click();
    expect(await hasFocus(passwordField(page))).toBe(true);
    await summary.getByRole("link").first().press("Enter");
    expect(await hasFocus(emailField(page))).toBe(true);
  });
});
