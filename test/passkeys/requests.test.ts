import request from "supertest";
import { describe, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { servePasskeys } from "./site.ts";

const { sql } = await createDatabase();
const { url, addOwner } = await servePasskeys(sql);
const site = request(url);

const paths = ["/login/passkey", "/proof/passkey", "/account/passkeys/add"]
  .flatMap((path) => [path, `${path}/options`])
  .concat("/account/passkeys/1/rename", "/account/passkeys/1/remove");

describe("every POST of the module", () => {
  it.each(paths)("from another site gets 403: %s", async (path) => {
    await site.post(path).set("Sec-Fetch-Site", "cross-site").expect(403);
    await site.post(path).set("Origin", "https://evil.example").expect(403);
  });

  it.each(paths.filter((path) => !path.startsWith("/login")))("needs a log-in: %s", async (path) => {
    await site.post(path).type("form").send({}).expect(303).expect("Location", "/login");
    await site.post(path).send({}).expect(401);
  });
});

it.each(["/login", "/proof"])("GET %s/passkey, as a reload sends it, leads to %s", async (path) => {
  await site.get(`${path}/passkey`).expect(302).expect("Location", path);
});

describe("a POST with a passkey, or for one", () => {
  it.each([
    ["/login/passkey", 20, 422],
    ["/proof/passkey", 20, 422],
    ["/account/passkeys/add", 20, 422],
    ["/proof/passkey/options", 60, 200],
    ["/account/passkeys/add/options", 60, 200],
  ])("refuses a network after its limit: %s, %i requests", async (path, limit, status) => {
    await empty(sql);
    const { browser } = await addOwner();
    const send = (address: string) => browser.post(path).set("X-Forwarded-For", address).type("form").send({});
    for (let count = 0; count < limit; count += 1) await send("198.51.100.1").expect(status);
    await send("198.51.100.1").expect(429);
    await send("198.51.100.2").expect(status);
  });
});
