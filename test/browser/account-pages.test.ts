import type { Page } from "playwright-core";
import { beforeEach, expect, it } from "vitest";
import { ada, addLink, addUser, openSession } from "../support/accounts.ts";
import { pageProblems, openBrowser } from "../support/browser.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addEmailChange } from "../support/email-changes.ts";
import { send, titleOf } from "../support/browser-session.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const browser = openBrowser();

const newEmail = "countess@example.com";

beforeEach(() => empty(sql));

/** Opens a page as the logged-in user. */
const visitAs = async (usrId: string, path: string) => browser.visit(url + path, {}, await openSession(sql, usrId));

type State = [name: string, title: string, reach: (usrId: string) => Promise<Page>];
const at =
  (path: string, act?: (page: Page) => Promise<void>) =>
  async (usrId: string): Promise<Page> => {
    const page = await visitAs(usrId, path);
    await act?.(page);
    return page;
  };
const byLink = (path: string, purpose: string) => async (usrId: string) => {
  const isRevert = purpose === "revert";
  const change = await addEmailChange(sql, usrId, newEmail);
  const columns = { ...change, ...(isRevert ? { email: "old@example.com" } : {}) };
  const token = await addLink(sql, purpose, usrId, columns);
  return visitAs(usrId, `${path}?token=${token}`);
};

it.each<State>([
  ["the forgot form", "Reset your password", at("/password/forgot")],
  [
    "the forgot form with a problem",
    "Error: Reset your password",
    at("/password/forgot", (page) => send(page, "Send link")),
  ],
  ["the page after the forgot form", "Check your email", at("/password/forgot/sent")],
  ["the reset form", "Choose a new password", byLink("/password/reset", "reset")],
  ["an expired link", "This link no longer works", at("/password/reset?token=nonsense")],
  ["the account", "Your account", at("/account")],
  ["the account with a notice", "Your account", at("/account?password-changed")],
  ["the password form", "Change your password", at("/account/password")],
  [
    "the password form with a problem",
    "Error: Change your password",
    at("/account/password", (page) => send(page, "Change password")),
  ],
  ["the address form", "Change your email address", at("/account/email")],
  [
    "the address form with a problem",
    "Error: Change your email address",
    at("/account/email", (page) => send(page, "Send link")),
  ],
  ["the page after the address form", "Check your email", at("/account/email/sent")],
  ["the confirmation", "Confirm your new email address", byLink("/account/email/confirm", "change")],
  ["the revert link", "Restore your email address", byLink("/account/email/revert", "revert")],
  ["the restored address", "Your email address is restored", at("/account/email/reverted")],
  [
    "a taken address",
    "Another account uses this address",
    async (usrId) => {
      await addUser(sql, { ...ada, email: newEmail });
      const page = await byLink("/account/email/confirm", "change")(usrId);
      await send(page, "Confirm address");
      return page;
    },
  ],
  ["the deletion form", "Delete your account", at("/account/delete")],
  ["the proof page", "Confirm that it is you", at("/proof?to=/account/password")],
  [
    "the proof page with a problem",
    "Error: Confirm that it is you",
    at("/proof", (page) => send(page, "Continue", { "Your password": "wrong" })),
  ],
  [
    "the proof page in place of a form",
    "Confirm that it is you",
    at("/account/email", async (page) => {
      await sql`update session set proved_at = 'epoch'`;
      await send(page, "Send link", { "New email address": newEmail });
    }),
  ],
  ["the link that secures the account", "Secure your account", byLink("/account/secure", "secure")],
  ["the secured account", "Your account is secured", at("/account/secured")],
  ["the last page", "Account deleted", at("/account/deleted")],
])("%s has no violation and fits the screen", async (_, expected, reach) => {
  const usrId = await addUser(sql);
  await openSession(sql, usrId, { browser: "x".repeat(200), address: "2001:db8:1111:2222:3333:4444:5555:6666" });
  const page = await reach(usrId);
  expect(await titleOf(page)).toBe(expected);

  // The opposite color schemes of the shared layout are checked in accessibility.test.ts.
  expect(await pageProblems(page, "light")).toEqual([]);
});
