import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { mailbox } from "../../dev/mailbox.ts";
import { saveMail } from "../../dev/mails.ts";
import { startSmtp } from "../../dev/smtp.ts";
import { openBrowser } from "../support/browser.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

const inbox = await mkdtemp(`${tmpdir()}/inbox-`);
afterAll(() => rm(inbox, { recursive: true, force: true }));
const smtp = await startSmtp({ onMail: (mail) => saveMail(inbox, mail) });
afterAll(() => smtp.stop());
const { sql, url: databaseUrl } = await createDatabase();
const url = await serveApp(sql, { moreRoutes: [mailbox(inbox)] });
runWorker(databaseUrl, smtp.url, { ORIGIN: url });
const browser = openBrowser();

const ada = { email: "ada@example.com", password: "twelve engines hum" };

// Not the worker's own row: it would have to join anew.
beforeEach(() => sql`truncate usr, task, throttle, mail_stop restart identity cascade`);

describe.each([
  ["with script", true],
  ["without script", false],
])("signing up %s", (_, javaScriptEnabled) => {
  const someone = (name: string) => ({ ...ada, email: `${name}.${javaScriptEnabled}@example.com` });

  it("leads from the start page to the mail in the inbox, and by one click from there to the account", async () => {
    const person = someone("here");
    const page = await browser.visit(url, { javaScriptEnabled });
    await page.getByRole("main").getByRole("link", { name: "Sign up" }).click();
    await signUp(page, person);
    expect(await page.title()).toBe("Check your inbox – slim-signup");
    expect(await page.getByRole("main").textContent()).toContain(person.email);

    await openMail(page, person.email, "Welcome to slim-signup");
    const opened = page.waitForEvent("popup");
    await mail(page).getByRole("link", { name: "Verify your address" }).click();
    const link = await opened;
    await link.waitForLoadState();
    const button = link.getByRole("button", { name: "Verify and log in" });
    expect(await hasFocus(button)).toBe(true);
    // Keys that come before the first frame are dropped by Chromium; a click is not.
    await press(link, "Verify and log in");
    expect(link.url()).toBe(`${url}/account`);
    expect(await link.getByRole("main").textContent()).toContain(person.email);
  });

  it("asks for a new password in another browser, which then logs in here, and not the old one", async () => {
    const person = someone("elsewhere");
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, person);
    await openMail(page, person.email, "Welcome to slim-signup");
    const link = await mail(page).getByRole("link", { name: "Verify your address" }).getAttribute("href");

    const elsewhere = await browser.visit(link!, { javaScriptEnabled });
    const newPassword = elsewhere.getByLabel("New password", { exact: true });
    expect(await hasFocus(newPassword)).toBe(true);
    await newPassword.fill("too short");
    await press(elsewhere, "Verify and log in");
    expect(await elsewhere.title()).toBe("Error: Verify your address – slim-signup");
    expect(await hasFocus(elsewhere.getByRole("alert"))).toBe(true);
    await newPassword.fill("another good secret");
    await press(elsewhere, "Verify and log in");
    expect(elsewhere.url()).toBe(`${url}/account`);

    await page.goto(`${url}/login`);
    await logIn(page, person);
    expect(await page.title()).toBe("Error: Log in – slim-signup");
    expect(await email(page).inputValue()).toBe(person.email);
    expect(await hasFocus(page.getByRole("alert"))).toBe(true);
    await logIn(page, { ...person, password: "another good secret" });
    expect(page.url()).toBe(`${url}/account`);
    await press(page, "Log out");
    await page.goto(`${url}/account`);
    expect(page.url()).toBe(`${url}/login`);
  });

  it("is refused by whoever did not sign up", async () => {
    const person = someone("nobody");
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, person);
    await openMail(page, person.email, "Welcome to slim-signup");
    const link = await mail(page).getByRole("link", { name: "I did not sign up" }).getAttribute("href");

    const elsewhere = await browser.visit(link!, { javaScriptEnabled });
    await press(elsewhere, "Delete the account");
    expect(await elsewhere.title()).toBe("The account is deleted – slim-signup");
    expect(await sql`select from usr`).toEqual([]);
  });

  it("keeps the address and empties the password when it fails", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    await signUp(page, { ...ada, password: "too short" });

    expect(await page.title()).toBe("Error: Sign up – slim-signup");
    expect(await email(page).inputValue()).toBe(ada.email);
    expect(await password(page).inputValue()).toBe("");
  });

  it("moves the focus to the summary of what is wrong, and from there to the field", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled });
    expect(await hasFocus(email(page))).toBe(true);
    await signUp(page, { email: "ada@example", password: "too short" });

    const summary = page.getByRole("alert");
    expect(await hasFocus(summary)).toBe(true);
    await summary.getByRole("link").last().click();
    expect(await hasFocus(password(page))).toBe(true);
    await summary.getByRole("link").first().press("Enter");
    expect(await hasFocus(email(page))).toBe(true);
  });
});

describe("the sign-up form", () => {
  it("ties the hint and the message to the field", async () => {
    const page = await browser.visit(`${url}/signup`);
    await signUp(page, { email: "ada@example", password: "too short" });

    expect(await email(page).getAttribute("aria-invalid")).toBe("true");
    expect(await describedBy(email(page))).toEqual([expect.stringContaining("does not look like")]);
    expect(await describedBy(password(page))).toEqual([
      expect.stringContaining("15 characters or more"),
      expect.stringContaining("too short"),
    ]);
  });

  it("shows the password on demand, and the focus stays in the field", async () => {
    const page = await browser.visit(`${url}/signup`);
    await password(page).fill(ada.password);

    await page.getByRole("button", { name: "Show password" }).click();
    expect(await password(page).getAttribute("type")).toBe("text");
    expect(await page.getByRole("status").textContent()).toBe("The password is shown.");
    expect(await hasFocus(password(page))).toBe(true);

    await page.getByRole("button", { name: "Hide password" }).press("Enter");
    expect(await password(page).getAttribute("type")).toBe("password");
    expect(await hasFocus(page.getByRole("button", { name: "Show password" }))).toBe(true);
  });

  it("has no Show button without script", async () => {
    const page = await browser.visit(`${url}/signup`, { javaScriptEnabled: false });
    expect(await page.getByRole("button").allTextContents()).toEqual(["Sign up"]);
  });

  it("sends once on two clicks", async () => {
    const page = await browser.visit(`${url}/signup`);
    const clicked = Promise.withResolvers<void>();
    let posts = 0;
    await page.route("**/signup", async (route) => {
      posts += 1;
      await clicked.promise;
      await route.continue();
    });
    await email(page).fill(ada.email);
    await password(page).fill(ada.password);

    // By the mouse alone: the library's own click waits for the answer.
    const { x, y } = (await submit(page).boundingBox())!;
    await Promise.all([page.waitForRequest("**/signup"), page.mouse.click(x + 20, y + 20)]);
    await page.mouse.click(x + 20, y + 20);
    clicked.resolve();
    await page.waitForURL("**/signup/sent");

    expect(posts).toBe(1);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it.each<[name: string, act: (page: Page) => Promise<unknown>]>([
    ["ten seconds after the request was stopped", (page) => page.clock.runFor(10_000)],
    [
      "when the browser brings the page back as it was left",
      (page) => page.evaluate("dispatchEvent(new Event('pageshow'))"),
    ],
  ])("can be sent again %s", async (_, act) => {
    const page = await browser.visit(`${url}/signup`);
    await page.clock.install();
    await page.route("**/signup", (route) => route.abort("aborted"), { times: 1 });
    await email(page).fill(ada.email);
    await password(page).fill(ada.password);
    await page.getByRole("button", { name: "Show password" }).click();
    await Promise.all([page.waitForEvent("requestfailed"), submit(page).click()]);
    expect(await password(page).getAttribute("type"), "what password managers save").toBe("password");

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

  it("does not tell a taken address from a free one; the mail to its owner does", async () => {
    const owner = { ...ada, email: "owner@example.com" };
    const page = await browser.visit(`${url}/signup`);
    await signUp(page, owner);
    await sql`insert into email_verified (usr_id) select usr_id from usr`;
    const first = await page.content();
    await page.goto(`${url}/signup`);
    await signUp(page, owner);
    expect(await page.content()).toBe(first);

    await openMail(page, owner.email, "You already have an account at slim-signup");
  });
});

const email = (page: Page) => page.getByLabel("E-mail address");
const password = (page: Page) => page.getByLabel("Password", { exact: true });
const submit = (page: Page) => page.getByRole("button", { name: "Sign up" });

const mail = (page: Page) => page.frameLocator("iframe");

async function signUp(page: Page, person: typeof ada): Promise<void> {
  await fillIn(page, person);
  await press(page, "Sign up");
}

async function logIn(page: Page, person: typeof ada): Promise<void> {
  await fillIn(page, person);
  await press(page, "Log in");
}

async function fillIn(page: Page, person: typeof ada): Promise<void> {
  await email(page).fill(person.email);
  await password(page).fill(person.password);
}

async function press(page: Page, name: string): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name, exact: true }).click()]);
}

async function hasFocus(locator: Locator): Promise<boolean> {
  return (await locator.and(locator.page().locator(":focus")).count()) === 1;
}

/** The texts that a screen reader adds to the field. */
async function describedBy(field: Locator): Promise<(string | null)[]> {
  const ids = (await field.getAttribute("aria-describedby"))?.split(" ") ?? [];
  return Promise.all(ids.map((id) => field.page().locator(`#${id}`).textContent()));
}

/** Reloads the inbox until the mail is there. */
async function openMail(page: Page, recipient: string, subject: string): Promise<void> {
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
