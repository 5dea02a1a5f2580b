import request from "supertest";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

describe("GET /.well-known/change-password", () => {
  it("redirects password managers to the form", async () => {
    await site.get("/.well-known/change-password").expect(303).expect("Location", "/account/password");
  });
});

describe("GET /.well-known/security.txt", () => {
  it("names the contact, its own URL, and an expiry within a year", async () => {
    const origin = "https://signup.example.com";
    const securityContact = "mailto:security@example.com";
    const { text, headers } = await request(await serveApp(sql, { origin, securityContact }))
      .get("/.well-known/security.txt")
      .expect(200);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    const [contact, expires, ...rest] = text.split("\n");
    expect(contact).toBe("Contact: mailto:security@example.com");
    const days = (Date.parse(/^Expires: (\S+Z)$/.exec(expires ?? "")?.[1] ?? "") - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(30);
    expect(days).toBeLessThan(365);
    expect(rest).toEqual(["Canonical: https://signup.example.com/.well-known/security.txt", ""]);
  });

  it("gets 404 without a contact", async () => {
    await site.get("/.well-known/security.txt").expect(404);
  });
});
