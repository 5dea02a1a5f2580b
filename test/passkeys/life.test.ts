import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addEmailChange, moveToNewEmail } from "../support/email-changes.ts";
import { createDevice } from "./device.ts";
import { addPasskey, isLoggedIn, logInBy, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { url, openBrowser, addOwner } = await servePasskeys(sql);

beforeEach(() => empty(sql));

/** The passkeys that no new version of the user has ended. */
const live = () => sql`select name from passkey join usr using (usr_id) where usr_version = version`;
const password = "another good secret";

describe("a passkey", () => {
  it("stays when its owner changes the password, as the session does", async () => {
    const { browser, device } = await addOwner();
    for (const new_password of [password, "a third good secret"])
      await post(browser, "/account/password", { new_password }).expect(303);
    expect(await live()).toHaveLength(1);
    expect((await logInBy(openBrowser(), device)).status).toBe(303);
    expect(await isLoggedIn(browser)).toBe(true);
  });

  it("stays when its owner changes the address", async () => {
    const { usrId, browser, device } = await addOwner();
    const change = await addEmailChange(sql, usrId, "countess@example.com");
    const token = await addLink(sql, "change", usrId, change);
    await post(browser, "/account/email/confirm", { token }).expect(303);
    expect((await logInBy(openBrowser(), device)).status).toBe(303);
  });

  it("ends with a new password by mail: an intruder may have added it, or its device is lost", async () => {
    const { usrId, device } = await addOwner();
    const token = await addLink(sql, "reset", usrId);
    const browser = openBrowser();
    await post(browser, "/password/reset", { token, password }).expect(303);

    expect(await live()).toHaveLength(0);
    expect((await logInBy(openBrowser(), device)).status).toBe(422);
    await post(browser, "/login", { email: ada.email, password }).expect(303);
    const { text } = await browser.get("/account").expect(200);
    expect(text).not.toContain("Laptop");
    // The owner can add one again, and a later change does not bring the old one back.
    await addPasskey(browser, createDevice(url), "Phone");
    await post(browser, "/account/password", { new_password: "a third good secret" }).expect(303);
    expect(await live()).toEqual([{ name: "Phone" }]);
  });

  it("ends with the link of a mail that secures the account", async () => {
    const { usrId, device } = await addOwner();
    const token = await addLink(sql, "secure", usrId);
    await post(openBrowser(), "/account/secure", { token }).expect(303);
    expect((await logInBy(openBrowser(), device)).status).toBe(422);
  });

  it("ends when a change of address is reverted, whoever added it, and whenever", async () => {
    const { usrId, browser, device } = await addOwner();
    const token = await moveToNewEmail(sql, usrId, "thief@example.com");
    await sql`update session set usr_version = usr_version + 1`;
    const second = createDevice(url);
    await addPasskey(browser, second, "Thief's");
    expect(await live()).toHaveLength(2);

    await post(openBrowser(), "/account/email/revert", { token }).expect(303);
    for (const one of [device, second]) expect((await logInBy(openBrowser(), one)).status).toBe(422);
  });

  it("goes with its account, and so does what it proved", async () => {
    const { browser, device } = await addOwner();
    await logInBy(openBrowser(), device);
    await post(browser, "/account/delete", {}).expect(303);
    expect(await sql`select from passkey`).toHaveLength(0);
    expect(await sql`select from passkey_session`).toHaveLength(0);
    expect((await logInBy(openBrowser(), device)).status).toBe(422);
  });

  it("of a browser that logs out stays", async () => {
    const { browser, device } = await addOwner();
    await browser.post("/account/sessions/end-all").expect(303);
    expect((await logInBy(browser, device)).status).toBe(303);
  });

  it("cannot be added before the address is verified, because that needs a log-in", async () => {
    await addUser(sql, ada, false);
    await openBrowser().get("/account/passkeys/add").expect(303).expect("Location", "/login");
  });

  it("is carried over by no session of another version or account", async () => {
    const { usrId } = await addOwner();
    const other = await addUser(sql, { ...ada, email: "grace@example.com" });
    await openSession(sql, other);
    await sql`update session set usr_version = 1 where usr_id = ${other}`;
    await sql`update session set usr_version = 7 where usr_id = ${usrId}`;
    expect(await sql`select usr_version from passkey`).toEqual([{ usr_version: 0 }]);
  });
});
