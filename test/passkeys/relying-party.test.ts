import { pino } from "pino";
import request from "supertest";
import { expect, it } from "vitest";
import { relyingParty } from "../../app/passkeys/relying-party.ts";
import { addUser, openSession } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();

it.each([
  ["https://signup.example.com", "signup.example.com"],
  ["https://signup.example.com:8443", "signup.example.com"],
  ["http://localhost:3000", "localhost"],
  ["http://app.localhost:3000", "app.localhost"],
  ["http://signup.example.com", undefined],
  ["http://127.0.0.1:3000", undefined],
  ["https://203.0.113.7", undefined],
  ["https://[2001:db8::1]:8443", undefined],
])("at %s, passkeys belong to %s", (origin, id) => {
  expect(relyingParty(origin)?.id).toBe(id);
});

it("offers nothing where browsers have no passkeys, and says why in the log", async () => {
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const site = request(await serveApp(sql, { log }));
  expect(lines.join()).toContain("they need an https origin with a host name, or localhost");

  const cookie = await openSession(sql, await addUser(sql));
  for (const path of ["/login", "/account"]) {
    const { text } = await site.get(path).set("Cookie", cookie).expect(200);
    expect(text.toLowerCase()).not.toContain("passkey");
  }
  await site.post("/login/passkey/options").expect(404);
  await site.get("/account/passkeys/add").set("Cookie", cookie).expect(404);
});
