import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { openBrowser } from "../support/browser.ts";
import { hasFocus, logIn, openMail, openTab, runSite, send, titleOf } from "../support/browser-session.ts";
import { empty } from "../support/database.ts";

const { sql, url } = await runSite();
const browser = openBrowser();

beforeEach(() => empty(sql));

/** Opens a page as a user whose proof has expired. */
const visitUnproved = async (path: string, javaScriptEnabled = true) =>
  browser.visit(
    url + path,
    { javaScriptEnabled },
    await openSession(sql, await addUser(sql), { proved_at: new Date(0) }),
  );
const expire = () => sql`update session set proved_at = 'epoch'`;

describe.each([
  ["with script", true],
  ["without script", false],
])("the proof page, %s", (_, javaScriptEnabled) => {
  it("comes before a page, and goes on to it", async () => {
    const page = await visitUnproved("/account/password", javaScriptEnabled);
    expect(await titleOf(page)).toBe("Confirm that it is you");
    expect(await hasFocus(page.getByLabel("Your password", { exact: true }))).toBe(true);
    await send(page, "Continue", { "Your password": "not the right one" });
    expect(await titleOf(page)).toBe("Error: Confirm that it is you");
    await send(page, "Continue", { "Your password": ada.password });
    expect(await titleOf(page)).toBe("Change your password");
  });

  it("comes after a form, and sends it", async () => {
    const page = await visitUnproved("/proof?to=/account/email", javaScriptEnabled);
    await send(page, "Continue", { "Your password": ada.password });
    await expire();
    await send(page, "Send link", { "New email address": "countess@example.com" });
    expect(await titleOf(page)).toBe("Confirm that it is you");
    await send(page, "Continue", { "Your password": "not the right one" });
    expect(await sql`select from email_change`).toEqual([]);
    await send(page, "Continue", { "Your password": ada.password });
    expect(await titleOf(page)).toBe("Check your email");
    expect(await sql`select new_email from email_change`).toEqual([{ new_email: "countess@example.com" }]);
  });
});

it("sends a form on with each of its values as they were", async () => {
  const page = await visitUnproved("/proof?to=/account/email");
  await send(page, "Continue", { "Your password": ada.password });
  await expire();
  await page.evaluate(addOddFields);
  await send(page, "Send link", { "New email address": "countess@example.com" });
  const posted: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") posted.push(`${new URL(request.url()).pathname} ${request.postData()}`);
  });
  await send(page, "Continue", { "Your password": ada.password });

  expect(posted.map((line) => line.split(" ")[0])).toEqual(["/proof", "/account/email"]);
  const sent = [...new URLSearchParams(posted[1]!.split(" ")[1])];
  expect(sent.filter(([name]) => !["to", "method", "password"].includes(name))).toEqual([
    ["email", "countess@example.com"],
    ["text", 'one\r\ntwo\r\n\r\n  "three" & <four> + 5% é 💡'],
    ["tag[]", "a"],
    ["tag[]", "b"],
    ["tag[]", "a"],
    ["empty", ""],
  ]);
});

const addOddFields = `
  const form = document.querySelector("form[action='/account/email']");
  const add = (tag, name, value) => form.append(Object.assign(document.createElement(tag), { name, value }));
  add("textarea", "text", 'one\\r\\ntwo\\n\\n  "three" & <four> + 5% é 💡');
  for (const value of ["a", "b", "a"]) add("input", "tag[]", value);
  add("input", "empty", "");
`;

describe("a log-in from a new browser", () => {
  it("sends a mail, whose link ends that session and starts a reset", async () => {
    await addUser(sql);
    const owner = await browser.visit(`${url}/login`);
    await logIn(owner, ada);
    const thief = await browser.visit(`${url}/login`);
    await logIn(thief, ada);
    expect(await titleOf(thief)).toBe("Your account");

    const mail = await openMail(owner, ada.email, "New log-in to your account");
    expect(await mail.locator("body").textContent()).toContain("Browser: Chrome on Linux");
    const tab: Page = await openTab(owner, mail, "Secure your account");
    await send(tab, "Secure account");
    expect(await titleOf(tab)).toBe("Your account is secured");
    await thief.goto(`${url}/account`);
    expect(await titleOf(thief)).toBe("Log in");
    await logIn(thief, ada);
    expect(await titleOf(thief)).toBe("Error: Log in");
    await openMail(tab, ada.email, "Choose a new password");
  });
});
