import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, liveSessions, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { isLoggedIn, logInBy, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { openBrowser, addOwner } = await servePasskeys(sql);

beforeEach(() => empty(sql));

const names = async () => (await sql`select name from passkey order by passkey_id`).map((row) => String(row["name"]));

describe("GET /account", () => {
  it("lists the account's own passkeys with their days, and says what was done", async () => {
    const { browser } = await addOwner();
    await addOwner({ ...ada, email: "grace@example.com" });
    await sql`update passkey set name = 'Of ' || usr_id || '<b>', created_at = '2026-10-03T23:59:59Z'`;
    const { text } = await browser.get("/account?passkey-added").expect(200);

    expect(text).toContain("Of 1&lt;b&gt;");
    expect(text).toContain('<time datetime="2026-10-03">3 October 2026</time>');
    expect(text).toContain(">Never<");
    expect(text).not.toContain("Of 2");
    expect(text).toContain("The passkey was added.");
  });

  it("names both acts in the recent activity", async () => {
    const { browser } = await addOwner();
    await post(browser, "/account/passkeys/1/remove", {}).expect(303);
    const { text } = await browser.get("/account").expect(200);
    expect(text).toContain(">A passkey was added<");
    expect(text).toContain(">A passkey was removed<");
  });

  it("warns after a change of password or address that the passkeys still work", async () => {
    const { browser } = await addOwner();
    for (const notice of ["password-changed", "email-changed"])
      expect((await browser.get(`/account?${notice}`)).text).toContain("Your passkeys still work.");
    expect((await browser.get("/account?session-ended")).text).not.toContain("Your passkeys still work.");
  });

  it("invites to add the first one", async () => {
    const browser = openBrowser(await openSession(sql, await addUser(sql)));
    expect((await browser.get("/account?password-changed")).text).not.toContain("Your passkeys still work.");
    expect((await browser.get("/account").expect(200)).text).toContain("With a passkey you log in");
  });
});

describe("POST /account/passkeys/:id/rename", () => {
  it("renames a passkey, and asks for another name when it is empty", async () => {
    const { browser } = await addOwner();
    expect((await browser.get("/account/passkeys/1/rename").expect(200)).text).toContain('value="Laptop"');
    const { text } = await post(browser, "/account/passkeys/1/rename", { name: " " }).expect(422);
    expect(text).toContain("Enter a name");
    await post(browser, "/account/passkeys/1/rename", { name: "Phone" })
      .expect(303)
      .expect("Location", "/account?passkey-renamed");
    expect(await names()).toEqual(["Phone"]);
  });

  it("renames none of another account", async () => {
    await addOwner();
    const { browser } = await addOwner({ ...ada, email: "grace@example.com" });
    await browser.get("/account/passkeys/1/rename").expect(404);
    await browser.get("/account/passkeys/x/rename").expect(404);
    await post(browser, "/account/passkeys/1/rename", { name: "Phone" }).expect(303);
    expect(await names()).toEqual(["Laptop", "Laptop"]);
  });
});

describe("POST /account/passkeys/:id/remove", () => {
  it("removes a passkey, which then no longer logs in, and mails the owner", async () => {
    const { browser, device } = await addOwner();
    await logInBy(browser, device);
    await post(browser, "/account/passkeys/1/remove", {}).expect(303).expect("Location", "/account?passkey-removed");

    expect(await names()).toEqual([]);
    expect(await isLoggedIn(browser)).toBe(true);
    expect((await logInBy(openBrowser(), device)).status).toBe(422);
    expect(await sql`select from event where event_type = 'PASSKEY_REMOVED'`).toHaveLength(1);
    expect(await sql`select from task where task_type = 'SEND_EMAIL_PASSKEY_REMOVED'`).toHaveLength(1);
  });

  it("ends the sessions that the passkey began, except the current one", async () => {
    const { usrId, device } = await addOwner();
    const [current, thief] = [openBrowser(), openBrowser()];
    await logInBy(current, device);
    await logInBy(thief, device);
    const byPassword = openBrowser(await openSession(sql, usrId));
    await post(current, "/account/passkeys/1/remove", {}).expect(303);

    expect(await isLoggedIn(thief)).toBe(false);
    expect(await isLoggedIn(current)).toBe(true);
    expect(await isLoggedIn(byPassword)).toBe(true);
  });

  it("asks for a proof when the last one is older than 15 minutes", async () => {
    const { browser } = await addOwner();
    await sql`update session set proved_at = now() - interval '16 minutes'`;
    await post(browser, "/account/passkeys/1/remove", {}).expect(403);
    expect(await names()).toEqual(["Laptop"]);
  });

  it("removes none of another account", async () => {
    const { device } = await addOwner();
    await logInBy(openBrowser(), device);
    const { browser } = await addOwner({ ...ada, email: "grace@example.com" });
    for (const id of ["1", "3", "999999999999999999"])
      await post(browser, `/account/passkeys/${id}/remove`, {}).expect(303);
    expect(await names()).toHaveLength(2);
    expect(await liveSessions(sql)).toHaveLength(3);
    expect(await sql`select from task where task_type = 'SEND_EMAIL_PASSKEY_REMOVED'`).toHaveLength(0);
  });
});

it("has the passkeys in the download of the account's data, without their keys", async () => {
  const { browser, device } = await addOwner();
  const { text } = await browser.get("/account/data").expect(200);
  expect(JSON.parse(text)).toMatchObject({ email: ada.email, passkeys: [{ name: "Laptop", used_at: null }] });
  expect(text).not.toContain(device.id);
});
