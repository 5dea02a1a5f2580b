import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import { connect } from "../../app/db.ts";
import { openBrowser, violations } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = await serveApp(sql);
const noDatabase = connect({ DATABASE_URL: "postgres://127.0.0.1:1/", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
afterAll(() => noDatabase.end({ timeout: 0 }));
const siteWithoutDatabase = await serveApp(noDatabase);
const browser = openBrowser();

const longAddress = `${"ada.".repeat(14)}lovelace@example.com`;
const good = "twelve engines hum";

it.each<[name: string, url: string, title: string, reach?: (page: Page) => Promise<void>]>([
  ["the start page", site, "Welcome"],
  ["the empty form", `${site}/signup`, "Sign up"],
  ["the form with a password shown", `${site}/signup`, "Sign up", showPassword],
  ["the form with two problems", `${site}/signup`, "Error: Sign up", signUp("ada@example", "too short")],
  ["the form with one problem", `${site}/signup`, "Error: Sign up", signUp(longAddress, "too short")],
  ["the sent page", `${site}/signup`, "Check your inbox", signUp(longAddress, good)],
  ["the sent page without an address", `${site}/signup/sent`, "Check your inbox"],
  ["the 404 page", `${site}/nowhere`, "Page not found"],
  ["the 405 page", site, "Not possible here", postHere],
  ["the 503 page", `${siteWithoutDatabase}/signup`, "Back in a moment", signUp(longAddress, good)],
])("%s has no violation and fits the screen", async (_, url, title, reach) => {
  const page = await browser.visit(url);
  await reach?.(page);
  expect(await page.title()).toBe(`${title} – slim-signup`);

  for (const width of [375, 1280]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect(await violations(page), `${width} ${colorScheme}`).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    }
  }
});

async function showPassword(page: Page): Promise<void> {
  await page.getByLabel("Password", { exact: true }).fill(good);
  await page.getByRole("button", { name: "Show password" }).click();
}

function signUp(email: string, password: string) {
  return async (page: Page) => {
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await answered(page, () => page.getByRole("button", { name: "Sign up" }).click());
  };
}

function postHere(page: Page): Promise<void> {
  return answered(page, () =>
    page.evaluate(
      "document.body.append(Object.assign(document.createElement('form'), { method: 'post', id: 'f' })); f.submit()",
    ),
  );
}

async function answered(page: Page, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.waitForEvent("load"), act()]);
}
