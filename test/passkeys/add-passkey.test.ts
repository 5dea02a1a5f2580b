import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { createDevice } from "./device.ts";
import { addPasskey, ask, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { url, openBrowser, addOwner } = await servePasskeys(sql);
const path = "/account/passkeys/add";

beforeEach(() => empty(sql));

const logIn = async (email = ada.email) => openBrowser(await openSession(sql, await addUser(sql, { ...ada, email })));
const names = async () => (await sql`select name from passkey order by passkey_id`).map((row) => String(row["name"]));

describe("POST /account/passkeys/add", () => {
  it("adds a passkey of this account and mails its owner where the request came from", async () => {
    const browser = await logIn();
    browser.set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    const device = createDevice(url);
    await addPasskey(browser, device, "  Ada’s \t laptop ");

    expect(await sql`select name, credential_id, counter, used_at from passkey`).toEqual([
      { name: "Ada’s laptop", credential_id: device.id, counter: "1", used_at: null },
    ]);
    expect(await sql`select event_type from event`).toEqual([{ event_type: "PASSKEY_ADDED" }]);
    expect(
      await sql`
        select task_type, browser
        from task
        join mail_cause on mail_cause_id::text = params ->> 'mail_cause_id'
      `,
    ).toEqual([{ task_type: "SEND_EMAIL_PASSKEY_ADDED", browser: "Firefox on Linux" }]);
  });

  it("leaves one notice of each kind that waits, however often passkeys are added and removed", async () => {
    const browser = await logIn();
    for (const id of [1, 2, 3]) {
      await addPasskey(browser, createDevice(url));
      await post(browser, `/account/passkeys/${id}/remove`, {}).expect(303);
    }
    expect(await sql`select task_type from task order by task_type`).toEqual([
      { task_type: "SEND_EMAIL_PASSKEY_ADDED" },
      { task_type: "SEND_EMAIL_PASSKEY_REMOVED" },
    ]);
    expect(await sql`select from event where event_type = 'PASSKEY_REMOVED'`).toHaveLength(3);
  });

  it("asks for a proof when the last one is older than 15 minutes", async () => {
    const browser = await logIn();
    const credential = createDevice(url).create(await ask(browser, path));
    await sql`update session set proved_at = now() - interval '16 minutes'`;

    await browser.get(path).expect(303).expect("Location", "/proof?to=%2Faccount%2Fpasskeys%2Fadd");
    await browser.post(`${path}/options`).send({}).expect(403);
    const { text } = await post(browser, path, { name: "Mine", credential }).expect(403);
    expect(text).toContain("Confirm that it is you");
    expect(await names()).toEqual([]);
  });

  it("refuses what the device of another session, site or challenge has made", async () => {
    const browser = await logIn();
    const grace = await logIn("grace@example.com");
    const asked = () => ask(browser, path);
    const used = createDevice(url).create(await asked());
    await post(browser, path, { name: "", credential: used }).expect(422);
    await post(browser, path, { name: "Mine", credential: used }).expect(303);
    const expired = createDevice(url).create(await asked());
    await sql`update passkey_challenge set expires_at = now() - interval '1 second'`;
    const known = createDevice(url);
    await addPasskey(grace, known, "Grace's");

    const attempts = [
      used,
      expired,
      createDevice(url).create(await ask(grace, path)),
      createDevice(url).create(await asked(), { origin: "https://phish.example" }),
      createDevice(url).create(await asked(), { isUserVerified: false }),
      createDevice(url).create(await asked(), { type: "webauthn.get" }),
      createDevice(url).create(await asked(), { format: "tpm" }),
      createDevice(url).create({ ...(await asked()), rp: { id: "phish.example" } }),
      createDevice(url).sign(await asked()),
      known.create(await asked()),
      "{",
      "",
    ];
    for (const credential of attempts) {
      const { text } = await post(browser, path, { name: "Mine", credential }).expect(422);
      expect(text).toContain("The passkey was not added. Try again.");
    }
    expect(await names()).toEqual(["Mine", "Grace's"]);
  });

  it("keeps at most 20 of an account", async () => {
    const { browser } = await addOwner();
    await sql`
      insert into passkey (usr_id, usr_version, credential_id, public_key, counter, name)
      select usr_id, 0, 'id' || n, '', 0, 'more' from usr cross join generate_series(2, 20) as n
    `;
    const credential = createDevice(url).create(await ask(browser, path));
    const { text } = await post(browser, path, { name: "One more", credential }).expect(422);
    expect(text).toContain("An account can have 20.");
  });

  it.each([
    ["", "Enter a name"],
    [" \t ", "Enter a name"],
    ["x".repeat(61), "at most 60 characters"],
  ])("asks for another name than %j", async (name, problem) => {
    const browser = await logIn();
    const { text } = await post(browser, path, { name, credential: "" }).expect(422);
    expect(text).toContain(problem);
    expect(text).toContain('aria-invalid="true"');
  });
});

describe("POST /account/passkeys/add/options", () => {
  it("asks for a passkey that the device keeps, after it has checked its user, and excludes known ones", async () => {
    const { browser, device, usrId } = await addOwner();
    expect(await ask(browser, path)).toMatchObject({
      rp: { id: "localhost", name: siteName },
      user: { id: Buffer.from(usrId).toString("base64url"), name: ada.email },
      excludeCredentials: [{ type: "public-key", id: device.id }],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
    });
  });
});
