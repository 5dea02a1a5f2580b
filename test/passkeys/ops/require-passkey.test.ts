import { beforeEach, describe, expect, it } from "vitest";
import { addUser, openSession } from "../../support/accounts.ts";
import { openBrowser as openChromium, pageProblems } from "../../support/browser.ts";
import { send, titleOf } from "../../support/browser-session.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { until } from "../../support/until.ts";
import { operatorEmail } from "../../ops/operators.ts";
import { ask, logInBy, post, servePasskeys } from "../site.ts";
import { addAuthenticator } from "../virtual-authenticator.ts";

const { sql } = await createDatabase();
const { url, openBrowser, addOwner } = await servePasskeys(sql, { env: { OPS_REQUIRE_PASSKEY: "1" } });
const chromium = openChromium();

beforeEach(() => empty(sql));

const olga = { email: operatorEmail, password: "twelve engines hum" };

async function addOperator() {
  const operator = await addOwner(olga);
  await sql`insert into operator (usr_id) values (${operator.usrId})`;
  return operator;
}

describe("OPS_REQUIRE_PASSKEY=1", () => {
  it("keeps operators out of every operations page, until their session is proved with a passkey", async () => {
    const { browser, device } = await addOperator();
    for (const path of ["/ops", "/OPS", "/ops/", "/ops/events", "/ops/types/X"])
      expect((await browser.get(path).expect(403)).text).toContain("Use your passkey to continue.");
    await post(browser, "/ops/types/X/retry", {}).expect(403);
    await browser.get("/ops").set("Accept", "application/json").expect(403, {
      error: "Operators need a passkey here. Log in with one.",
    });

    const credential = device.sign(await ask(browser, "/proof/passkey"));
    await post(browser, "/proof/passkey", { credential, to: "/ops", method: "get" }).expect(303);
    await browser.get("/ops").expect(200);
    await post(browser, "/ops/types/X/retry", {}).expect(303);
  });

  it("lets in an operator who logged in with a passkey, until that passkey is removed", async () => {
    const { device } = await addOperator();
    const browser = openBrowser();
    await logInBy(browser, device);
    const { text } = await browser.get("/ops").expect(200);
    // Other modules add theirs.
    const links = [...text.matchAll(/href="(\/ops[^"]*)"/g)].map(([, link]) => link!);
    await post(browser, "/account/passkeys/1/remove", {}).expect(303);
    for (const link of links) await browser.get(link).expect(403);
    expect((await browser.get("/ops").expect(403)).text).toContain("/account/passkeys/add");
  });

  it("lets a thief who knows the password neither add a passkey nor change how the account logs in", async () => {
    const { usrId, device } = await addOperator();
    const thief = openBrowser();
    await post(thief, "/login", olga).expect(303).expect("Location", "/account");

    const paths = ["/account/passkeys/add", "/account/email", "/account/password"];
    for (const path of [...paths, "/Account/Password/", "/account/passkeys/1/rename"])
      await thief.get(path).expect(403);
    await thief.post("/account/passkeys/add/options").expect(403);
    for (const path of [...paths, "/account/passkeys/1/remove"]) await post(thief, path, {}).expect(403);
    expect(await sql`select from passkey where usr_id = ${usrId}`).toHaveLength(1);

    const credential = device.sign(await ask(thief, "/proof/passkey"));
    await post(thief, "/proof/passkey", { credential, to: paths[0], method: "get" }).expect(303);
    for (const path of paths) await thief.get(path).expect(200);
  });

  it("takes no proof by password", async () => {
    const { browser } = await addOperator();
    await post(browser, "/proof", { password: olga.password, to: "/ops" }).expect(303);
    await browser.get("/ops").expect(403);
  });

  it("gives everyone else the 404 of an unknown page", async () => {
    const { browser } = await addOwner();
    const unknown = await browser.get("/nowhere").expect(404);
    for (const agent of [browser, openBrowser()]) {
      const { text } = await agent.get("/ops").expect(404);
      expect(text).toContain("Page not found");
    }
    expect(unknown.text).toContain("Page not found");
  });

  it("takes the passkey on the page that asks for it, and goes on to the page that was wanted", async () => {
    const usrId = await addUser(sql, olga);
    const page = await chromium.visit(`${url}/account/passkeys/add`, {}, await openSession(sql, usrId));
    await addAuthenticator(page);
    await send(page, "Add passkey", { "Name of the passkey": "Laptop" });
    await sql`insert into operator (usr_id) values (${usrId})`;
    await page.goto(`${url}/ops`);
    expect(await pageProblems(page)).toEqual([]);
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await until("the operations page", async () => (await titleOf(page)) !== "Use a passkey");
    expect(page.url()).toBe(`${url}/ops`);
  });

  it("explains itself on a page that passes axe", async () => {
    const usrId = await addUser(sql, olga);
    await sql`insert into operator (usr_id) values (${usrId})`;
    const page = await chromium.visit(`${url}/ops`, {}, await openSession(sql, usrId));
    expect(await titleOf(page)).toBe("Use a passkey");
    expect(await pageProblems(page)).toEqual([]);
    await page.getByRole("link", { name: "Add a passkey" }).click();
    await page.waitForURL(`${url}/account/passkeys/add`);
  });
});

it("stops the start of the web process on an origin without passkeys", async () => {
  const starting = servePasskeys(sql, { host: "127.0.0.1", env: { OPS_REQUIRE_PASSKEY: "1" } });
  await expect(starting).rejects.toThrow("OPS_REQUIRE_PASSKEY=1 needs an ORIGIN where passkeys work");
});

it("is not asked for without the setting", async () => {
  const site = await servePasskeys(sql);
  const { usrId, browser } = await site.addOwner(olga);
  await sql`insert into operator (usr_id) values (${usrId})`;
  await browser.get("/ops").expect(200);
});
