import type { Locator, Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import { emailField, hasFocus, openMail, passwordField, runSite, signUp } from "../support/browser-session.ts";

const { sql, url } = await runSite();
const browser = openBrowser();

// The worker's own row stays: without it, the worker would have to join again.
beforeEach(() =>
  sql`delete from email_verified; delete from usr; delete from task; delete from rate_limit; delete from email_suppression`.simple(),
);

describe("the sign-up form", () => {
  it("describes each field by its hint and its message", async () => {
    const page = await browser.visit(`${url}/signup`);
    await signUp(page, { email: "ada@example", password: "too short" });

    expect(await emailField(page).getAttribute("aria-invalid")).toBe("true");
    expect(await describedBy(emailField(page))).toEqual([expect.stringContaining("in the format name@example.com")]);
    expect(await describedBy(passwordField(page))).toEqual([
      expect.stringContaining("At least 15 characters"),
      expect.stringContaining("Enter a password of at least 15 characters"),
    ]);
  });

  it("shows and hides the password, and keeps the focus in the field", async () => {
    const page = await browser.visit(`${url}/signup`);
    await passwordField(page).fill(ada.password);

    await page.getByRole("button", { name: "Show password" }).click();
    expect(await passwordField(page).getAttribute("type")).toBe("text");
    expect(await page.getByRole("status").textContent()).toBe("The password is shown.");
    expect(await hasFocus(passwordField(page))).toBe(true);

    await page.getByRole("button", { name: "Hide password" }).press("Enter");
    expect(await passwordField(page).getAttribute("type")).toBe("password");
    expect(await hasFocus(page.getByRole("button", { name: "Show password" }))).toBe(true);
  });

  it("has no button to show the password without script", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled: false });
    expect(await page.getByRole("button").allTextContents()).toEqual(["Sign up"]);
  });

  it("sends once when the button is clicked twice", async () => {
    const page = await browser.visit(`${url}/signup`);
    const clicked = Promise.withResolvers<void>();
    let posts = 0;
    await page.route("**/signup", async (route) => {
      posts += 1;
      await clicked.promise;
      await route.continue();
    });
    await emailField(page).fill(ada.email);
    await passwordField(page).fill(ada.password);

    // By the mouse: the library's own click would wait for the response.
    const { x, y } = (await submit(page).boundingBox())!;
    await Promise.all([page.waitForRequest("**/signup"), page.mouse.click(x + 20, y + 20)]);
    await page.mouse.click(x + 20, y + 20);
    clicked.resolve();
    await page.waitForURL("**/signup/sent");

    expect(posts).toBe(1);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it.each<[name: string, act: (page: Page) => Promise<unknown>]>([
    ["ten seconds after a request that was stopped", (page) => page.clock.runFor(10_000)],
    [
      "when the browser brings the page back as it was left",
      (page) => page.evaluate("dispatchEvent(new Event('pageshow'))"),
    ],
  ])("can be sent again %s", async (_, act) => {
    const page = await browser.visit(`${url}/signup`);
    await page.clock.install();
    await page.route("**/signup", (route) => route.abort("aborted"), { times: 1 });
    await emailField(page).fill(ada.email);
    await passwordField(page).fill(ada.password);
    await page.getByRole("button", { name: "Show password" }).click();
    await Promise.all([page.waitForEvent("requestfailed"), submit(page).click()]);
    expect(await passwordField(page).getAttribute("type"), "what password managers save").toBe("password");

    await act(page);
    await submit(page).click({ timeout: 2000 });
    await page.waitForURL("**/signup/sent");
  });

  it("can be sent again after going back to correct a typo", async () => {
    const page = await browser.visit(`${url}/signup`);
    await signUp(page, { ...ada, email: "typo@example.com" });
    await page.goBack();
    await signUp(page, ada);

    expect(await page.getByRole("main").textContent()).toContain(ada.email);
    expect(await sql`select email from usr order by email`).toEqual([
      { email: ada.email },
      { email: "typo@example.com" },
    ]);
  });

  it("shows the same page for a taken address, and mails its owner", async () => {
    const owner = { ...ada, email: "owner@example.com" };
    const page = await browser.visit(`${url}/signup`);
    await signUp(page, owner);
    await sql`insert into email_verified (usr_id) select usr_id from usr`;
    const first = await page.content();
    await page.goto(`${url}/signup`);
    await signUp(page, owner);
    expect(await page.content()).toBe(first);

    await openMail(page, owner.email, `You already have an account at ${siteName}`);
  });
});

const submit = (page: Page) => page.getByRole("button", { name: "Sign up" });

/** The texts that a screen reader reads with the field. */
async function describedBy(field: Locator): Promise<(string | null)[]> {
  const ids = (await field.getAttribute("aria-describedby"))?.split(" ") ?? [];
  return Promise.all(ids.map((id) => field.page().locator(`#${id}`).textContent()));
}
