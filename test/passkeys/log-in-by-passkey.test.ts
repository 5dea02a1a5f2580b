import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { createDevice } from "./device.ts";
import { addPasskey, ask, isLoggedIn, logInBy, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { url, openBrowser, addOwner } = await servePasskeys(sql);

beforeEach(async () => {
  await empty(sql);
  await sql`delete from passkey_challenge`;
});

const events = async () =>
  (await sql`select event_type from event order by event_id`).map((row) => String(row["event_type"]));

describe("POST /login/passkey", () => {
  it("begins a session as a password does: its event, a known browser, the browser's former session ended", async () => {
    const { usrId, device } = await addOwner();
    const other = await addUser(sql, { ...ada, email: "grace@example.com" });
    const browser = openBrowser(await openSession(sql, other));
    expect((await logInBy(browser, device)).headers["location"]).toBe("/account");
    expect(await isLoggedIn(browser)).toBe(true);
    expect(await events()).toEqual(["PASSKEY_ADDED", "LOGGED_IN"]);
    expect(await sql`select from session where usr_id = ${other}`).toHaveLength(0);
    expect(await sql`select usr_id, usr_version from known_browser`).toEqual([{ usr_id: usrId, usr_version: 0 }]);
    expect(await sql`select counter, used_at is not null as is_used from passkey`).toEqual([
      { counter: "2", is_used: true },
    ]);
  });

  it("logs in after 50 wrong passwords, and does not clear them", async () => {
    const { device } = await addOwner();
    await sql`insert into log_in_failure (email, failures) values (${ada.email}, 60)`;
    const browser = openBrowser();
    expect((await logInBy(browser, device)).headers["location"]).toBe("/account");
    expect(await isLoggedIn(browser)).toBe(true);
    expect(await sql`select failures from log_in_failure`).toEqual([{ failures: 60 }]);
  });

  it("mails the owner about a browser that the account has not used", async () => {
    const { device } = await addOwner();
    const notices = () => sql`select from task where task_type = 'SEND_EMAIL_NEW_BROWSER'`;
    const known = openBrowser();
    await logInBy(known, device);
    await sql`delete from task`;
    await logInBy(known, device);
    expect(await notices()).toHaveLength(0);
    await logInBy(openBrowser(), device);
    expect(await notices()).toHaveLength(1);
  });

  it("logs in with a device that does not count", async () => {
    const usrId = await addUser(sql);
    const device = createDevice(url, null);
    await addPasskey(openBrowser(await openSession(sql, usrId)), device);
    for (const browser of [openBrowser(), openBrowser()]) expect((await logInBy(browser, device)).status).toBe(303);
  });

  it("responds in one way to every failure, and begins no session", async () => {
    const { device } = await addOwner();
    const stranger = createDevice(url);
    const [browser, elsewhere] = [openBrowser(), openBrowser()];
    const send = (credential: string, agent = browser) => post(agent, "/login/passkey", { credential });
    const sign = async (quirks = {}, by = device) => by.sign(await ask(browser, "/login/passkey"), quirks);

    const replayed = await sign();
    await send(replayed, elsewhere);
    const used = await sign({ isForged: true });
    await send(used);
    const expired = await sign();
    await sql`update passkey_challenge set expires_at = now() - interval '1 second'`;
    const attempts = {
      "an unknown passkey": await sign({}, stranger),
      "a forged signature": await sign({ isForged: true }),
      "another origin": await sign({ origin: "https://phish.example" }),
      "no check of the user by the device": await sign({ isUserVerified: false }),
      "the type of a registration": await sign({ type: "webauthn.create" }),
      "another user's handle": await sign({ userHandle: Buffer.from("999").toString("base64url") }),
      "a used challenge": used,
      "an expired challenge": expired,
      "a challenge of ours that nobody asked for": device.sign({ challenge: "A".repeat(43), rpId: "localhost" }),
      "a counter that goes backwards": await sign({ counter: 1 }),
      "another site's challenge": device.sign({ ...(await ask(browser, "/login/passkey")), rpId: "phish.example" }),
      nothing: "",
      "no passkey": "{}",
    };
    const responses = new Map<string, string[]>();
    for (const [name, credential] of Object.entries(attempts)) {
      const { status, text, headers } = await send(credential);
      const key = `${status} ${Object.keys(headers).join(" ")} ${text}`;
      responses.set(key, [...(responses.get(key) ?? []), name]);
    }
    expect([...responses.values()]).toEqual([Object.keys(attempts)]);
    expect([...responses.keys()][0]).toContain("The passkey did not work.");
    expect(await sql`select from session`).toHaveLength(1);
  });

  it("takes a challenge only from the browser that asked for it, and only once", async () => {
    const { device } = await addOwner();
    const [browser, elsewhere] = [openBrowser(), openBrowser()];
    await ask(elsewhere, "/login/passkey");
    const credential = device.sign(await ask(browser, "/login/passkey"));
    expect((await post(elsewhere, "/login/passkey", { credential })).status).toBe(422);
    expect((await post(browser, "/login/passkey", { credential })).status).toBe(303);
    await browser.post("/logout");
    expect((await post(browser, "/login/passkey", { credential })).status).toBe(422);
  });

  it("mails the owner when a counter goes backwards with a right signature, once while the mail is pending", async () => {
    const { usrId, device } = await addOwner();
    await logInBy(openBrowser(), device, { counter: 9 });
    await logInBy(openBrowser(), device, { counter: 9, isForged: true });
    expect(await sql`select from task where task_type = 'SEND_EMAIL_PASSKEY_REFUSED'`).toHaveLength(0);

    for (const counter of [9, 8, 0]) expect((await logInBy(openBrowser(), device, { counter })).status).toBe(422);
    expect(
      await sql`select params ->> 'usr_id' as usr_id from task where task_type = 'SEND_EMAIL_PASSKEY_REFUSED'`,
    ).toEqual([{ usr_id: usrId }]);
    expect(await sql`select counter from passkey`).toEqual([{ counter: "9" }]);
  });

  it("responds to JSON", async () => {
    const { device } = await addOwner();
    const browser = openBrowser();
    const credential = device.sign(await ask(browser, "/login/passkey"));
    await browser.post("/login/passkey").send({ credential }).expect(204);
    await browser
      .post("/login/passkey")
      .send({ credential })
      .expect(422, {
        errors: { form: "The passkey did not work. Try again, or log in with your password." },
      });
  });
});

describe("POST /login/passkey/options", () => {
  it("names no passkey: nothing tells who has an account", async () => {
    await addOwner();
    const response = await openBrowser().post("/login/passkey/options").send({ email: ada.email }).expect(200);
    expect(response.body).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      rpId: "localhost",
      allowCredentials: [],
      userVerification: "required",
      timeout: 300_000,
    });
  });

  it("stores a hash of the challenge for 5 minutes, and refuses a network after 60", async () => {
    const from = (address: string) => openBrowser().post("/login/passkey/options").set("X-Forwarded-For", address);
    for (let count = 0; count < 60; count += 1) await from("198.51.100.1").expect(200);
    await from("198.51.100.1").expect(429);
    await from("198.51.100.2").expect(200);
    expect(
      await sql`select count(*)::int, extract(epoch from max(expires_at) - now())::int > 290 as is_long from passkey_challenge`,
    ).toEqual([{ count: 61, is_long: true }]);
  });
});
