import { beforeEach, describe, expect, it } from "vitest";
import { ada } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { ask, post, servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { addOwner } = await servePasskeys(sql);

beforeEach(() => empty(sql));

const isProved = async () => (await sql`select from session where proved_at > now() - interval '1 minute'`).length > 0;

async function addUnproved(person = ada) {
  const owner = await addOwner(person);
  await sql`update session set proved_at = 'epoch'`;
  return owner;
}

describe("POST /proof/passkey", () => {
  it("proves the session, and goes on to the page that was wanted", async () => {
    const { browser, device } = await addUnproved();
    const credential = device.sign(await ask(browser, "/proof/passkey"));
    await post(browser, "/proof/passkey", { credential, to: "/account/password", method: "get" })
      .expect(303)
      .expect("Location", "/account/password");
    await browser.get("/account/password").expect(200);
    expect(await sql`select from passkey_session`).toHaveLength(1);
  });

  it("goes on with the form that was wanted, whose fields it keeps after a failure", async () => {
    const { browser, device } = await addUnproved();
    const wanted = { to: "/account/passkeys/1/remove", method: "post", note: "é\r\n" };
    const refused = await post(browser, "/proof/passkey", { ...wanted, credential: "{}" }).expect(422);
    expect(refused.text).toContain("The passkey did not work.");
    expect(refused.text).toContain('name="note" value="é\r\n"');
    expect(refused.text.match(/name="credential"/g)).toHaveLength(1);

    const credential = device.sign(await ask(browser, "/proof/passkey"));
    await post(browser, "/proof/passkey", { ...wanted, credential })
      .expect(307)
      .expect("Location", wanted.to);
  });

  it("offers the account's own passkeys, and takes no other", async () => {
    const { browser, device } = await addUnproved();
    const grace = await addUnproved({ ...ada, email: "grace@example.com" });
    expect(await ask(browser, "/proof/passkey")).toMatchObject({
      allowCredentials: [{ type: "public-key", id: device.id }],
    });

    const credential = grace.device.sign(await ask(browser, "/proof/passkey"));
    await post(browser, "/proof/passkey", { credential }).expect(422);
    const ofLogIn = device.sign(await ask(browser, "/login/passkey"));
    await post(browser, "/proof/passkey", { credential: ofLogIn }).expect(422);
    expect(await isProved()).toBe(false);
  });

  it("refuses a counter that goes backwards, and mails the owner", async () => {
    const { browser, device } = await addUnproved();
    const credential = device.sign(await ask(browser, "/proof/passkey"), { counter: 1 });
    await post(browser, "/proof/passkey", { credential }).expect(422);
    expect(await isProved()).toBe(false);
    expect(await sql`select from task where task_type = 'SEND_EMAIL_PASSKEY_REFUSED'`).toHaveLength(1);
  });

  it("needs a log-in", async () => {
    const { browser } = await addUnproved();
    await sql`delete from session`;
    await post(browser, "/proof/passkey", {}).expect(303).expect("Location", "/login?ended");
    await browser.post("/proof/passkey/options").expect(303);
  });
});

it("offers a proof by passkey only to accounts that have one", async () => {
  const { browser } = await addUnproved();
  expect((await browser.get("/proof").expect(200)).text).toContain("Use a passkey instead");
  await sql`delete from passkey`;
  expect((await browser.get("/proof").expect(200)).text).not.toContain("passkey");
});
