import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { addLink, addUser, passwords } from "../support/accounts.ts";
import { pageProblems, openBrowser } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql, { passwords });
const noDatabase = connect({ DATABASE_URL: "postgres://127.0.0.1:1/", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
afterAll(() => noDatabase.end({ timeout: 0 }));
const siteWithoutDatabase = await serveApp(noDatabase);
const browser = openBrowser();

const longAddress = `${"ada.".repeat(14)}lovelace@example.com`;
const good = "twelve engines hum";
const unverified = { email: "bob@example.com", password: good };
const verified = await addLink(sql, "verify", await addUser(sql, { email: "cleo@example.com", password: good }));
const token = await addLink(sql, "verify", await addUser(sql, unverified, false));
const link = (path: string, of = token) => `${site}${path}?token=${of}`;

it.each<[name: string, url: string, title: string, reach?: (page: Page) => Promise<void>]>([
  ["the start page", site, "Welcome"],
  ["the empty form", `${site}/signup`, "Sign up"],
  ["the form with the password visible", `${site}/signup`, "Sign up", showPassword],
  ["the form with two problems", `${site}/signup`, "Error: Sign up", signUp("ada@example", "too short")],
  ["the form with one problem", `${site}/signup`, "Error: Sign up", signUp(longAddress, "too short")],
  ["the form with a common password", `${site}/signup`, "Error: Sign up", signUp(longAddress, "password1234567")],
  ["the sent page", `${site}/signup`, "Check your email", signUp(longAddress, good)],
  ["the sent page without an address", `${site}/signup/sent`, "Check your email"],
  ["the log-in form", `${site}/login`, "Log in"],
  ["the log-in form with a notice", `${site}/login?reset`, "Log in"],
  [
    "the log-in form with a wrong password",
    `${site}/login`,
    "Error: Log in",
    logIn(longAddress, "not my own password"),
  ],
  ["the log-in form with two problems", `${site}/login`, "Error: Log in", logIn("ada@example", "")],
  ["the page after too many log-ins", `${site}/login`, "Too many attempts", exceedRateLimit],
  ["the form for another link", `${site}/verify/resend`, "Send the link again"],
  ["the form for another link with a problem", `${site}/verify/resend`, "Error: Send the link again", askAgain],
  ["the link in the mail, in the same browser", `${site}/signup`, "Verify your email address", openLinkHere],
  ["the link in the mail, in another browser", link("/verify"), "Verify your email address"],
  [
    "the link in the mail with a short password",
    link("/verify"),
    "Error: Verify your email address",
    choose("too short"),
  ],
  ["the link in the mail of a verified user", link("/verify", verified), "Your email address is verified"],
  ["an expired or used link", `${site}/verify?token=old`, "This link no longer works"],
  ["the link that refuses a signup", link("/signup/refuse"), "Delete this account?"],
  ["the page after a refused signup", `${site}/signup/refused`, "Account deleted"],
  ["the 404 page", `${site}/nowhere`, "Page not found"],
  ["the 405 page", site, "Method not allowed", postHere],
  ["the 503 page", `${siteWithoutDatabase}/signup`, "Service unavailable", signUp(longAddress, good)],
])("%s has no violation and fits the screen", async (_, url, title, reach) => {
  const page = await browser.visit(url);
  await reach?.(page);
  expect(await page.title()).toBe(`${title} – ${siteName}`);
  expect(await pageProblems(page)).toEqual([]);
});

async function showPassword(page: Page): Promise<void> {
  await page.getByLabel("Password", { exact: true }).fill(good);
  await page.getByRole("button", { name: "Show password" }).click();
}

function signUp(email: string, password: string) {
  return async (page: Page) => {
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await loaded(page, () => page.getByRole("button", { name: "Sign up" }).click());
  };
}

function logIn(email: string, password: string) {
  return async (page: Page) => {
    await page.getByLabel("Email address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await loaded(page, () => page.getByRole("button", { name: "Log in" }).click());
  };
}

async function exceedRateLimit(page: Page): Promise<void> {
  await page.setExtraHTTPHeaders({ "X-Forwarded-For": "203.0.113.7" });
  for (let n = 0; n < 6; n += 1) await logIn(longAddress, "not my own password")(page);
}

async function askAgain(page: Page): Promise<void> {
  await loaded(page, () => page.getByRole("button", { name: "Send link" }).click());
}

function choose(password: string) {
  return async (page: Page) => {
    await page.getByLabel("New password", { exact: true }).fill(password);
    await loaded(page, () => page.getByRole("button", { name: "Verify and log in" }).click());
  };
}

async function openLinkHere(page: Page): Promise<void> {
  const email = "dora@example.com";
  await signUp(email, good)(page);
  const [user] = await sql<{ usr_id: string }[]>`select usr_id from usr where email = ${email}`;
  await page.goto(link("/verify", await addLink(sql, "verify", user!.usr_id)));
  expect(await page.getByRole("button").allTextContents()).toEqual(["Verify and log in"]);
}

function postHere(page: Page): Promise<void> {
  return loaded(page, () =>
    page.evaluate(
      "document.body.append(Object.assign(document.createElement('form'), { method: 'post', id: 'f' })); f.submit()",
    ),
  );
}

async function loaded(page: Page, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.waitForEvent("load"), act()]);
}
