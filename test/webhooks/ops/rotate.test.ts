import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { logInOperator } from "../../ops/operators.ts";
import { addUser, openSession } from "../../support/accounts.ts";
import { createDatabase, empty } from "../../support/database.ts";
import { serveApp } from "../../support/web.ts";
import { addWebhook, secret, webhookChanges } from "../receiver.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { origin: "https://signup.example.com" }));
const url = "https://receiver.example.com/hooks";

let cookie: string;
let id: string;
beforeEach(async () => {
  await empty(sql);
  await sql`delete from webhook`;
  cookie = `__Host-${await logInOperator(sql)}`;
  id = await addWebhook(sql, url, { secret });
});

const rotate = (webhookId = id) => site.post(`/ops/webhooks/${webhookId}/rotate`).set("Cookie", cookie);
const show = (path: string) => site.get(path).set("Cookie", cookie);
const secrets = async () =>
  (await sql<{ secret: string; old_secrets: string[] }[]>`select secret, old_secrets from webhook`)[0]!;

describe("the button that rotates a secret", () => {
  it("shows the new one in its response alone, which is not cached", async () => {
    const { text, headers } = await rotate().type("form").expect(200).expect("Cache-Control", "no-store");
    const now = await secrets();
    expect(now.secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(now).toEqual({ secret: expect.not.stringContaining(secret) as string, old_secrets: [secret] });
    expect(text).toContain(`value="${now.secret}"`);
    expect(headers).not.toHaveProperty("location");
    expect(text).not.toContain(secret);
    for (const path of ["/ops/webhooks", `/ops/webhooks/${id}`]) {
      const page = await show(path).expect(200);
      expect(page.text).toContain("an old secret signs until");
      for (const one of [secret, now.secret]) expect(page.text).not.toContain(one);
    }
    expect(await webhookChanges(sql)).toEqual([{ data: { what: "rotate", webhook_id: id }, who: "olga@example.com" }]);
  });

  it("responds to JSON with the secret and the end of the old one", async () => {
    const { text } = await rotate().set("Accept", "application/json").expect(200);
    const body = JSON.parse(text) as { old_secrets_expire_at: string };
    expect(body).toEqual({ secret: (await secrets()).secret, old_secrets_expire_at: expect.any(String) as string });
    expect(Math.abs(Date.parse(body.old_secrets_expire_at) - Date.now() - 24 * 3600_000)).toBeLessThan(60_000);
  });

  it("is 404 for an unknown endpoint", async () => {
    for (const other of ["404", "x", "%00"]) await rotate(other).expect(404);
    expect(await secrets()).toEqual({ secret, old_secrets: [] });
  });
});

describe("the pages of an endpoint", () => {
  const paths = () =>
    ["", "/rotate", "/disable", "/enable", "/test", "/delete"].map((path) => `/ops/webhooks/${id}${path}`);

  it("are 404 for all but operators", async () => {
    const owner = `__Host-${await openSession(sql, await addUser(sql))}`;
    for (const other of ["", owner]) {
      await site.get(`/ops/webhooks/${id}`).set("Cookie", other).expect(404);
      for (const path of paths()) await site.post(path).set("Cookie", other).type("form").send({ url }).expect(404);
    }
    expect(await secrets()).toEqual({ secret, old_secrets: [] });
  });

  it("refuse what another site posts", async () => {
    for (const path of paths())
      await site
        .post(path)
        .set({ Cookie: cookie, "Sec-Fetch-Site": "cross-site" })
        .type("form")
        .send({ url: "https://evil.example.com", event_types: "", per_second: "1" })
        .expect(403);
    expect(await sql`select url, secret from webhook`).toEqual([{ url, secret }]);
    expect(await webhookChanges(sql)).toEqual([]);
  });
});
