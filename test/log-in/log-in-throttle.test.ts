import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addOwner, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const wrong = { ...ada, password: "not my own password" };
const logIn = (form: object = ada) => site.post("/login").type("form").send(form);

describe("POST /login, throttled", () => {
  it("takes five tries in 15 minutes for one address from one network, then none, the right password included", async () => {
    await addOwner(sql);
    const from = (network: string, form: object) => logIn(form).set("X-Forwarded-For", network);
    for (let n = 0; n < 5; n += 1) await from("203.0.113.7", wrong).expect(422);

    const { text, headers } = await from("203.0.113.7", ada).expect(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(14 * 60);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(15 * 60);
    expect(text).toContain("<title>Error: Log in");
    expect(text).toContain(`value="${ada.email}"`);
    await from("203.0.113.8", ada).expect(303);
  });

  it("counts an address that is nobody's the same way", async () => {
    const from = () => logIn().set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 5; n += 1) await from().expect(422);
    await from().expect(429);
  });

  it("forgives the tries of one who gets in", async () => {
    await addOwner(sql);
    const from = (form: object) => logIn(form).set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 4; n += 1) await from(wrong).expect(422);
    await from(ada).expect(303);
    await from(wrong).expect(422);
    expect(await sql`select hits from rate_limit where action = 'check password'`).toEqual([{ hits: 1 }]);
  });

  it("takes ten tries in 3 minutes from one network, whatever the address, at once too", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 15 }, async (_, n) => {
        const { status } = await site
          .post("/login")
          .set("X-Forwarded-For", `2001:db8:1:2::${n}`)
          .send({ ...ada, email: `ada.${n}@example.com` });
        return status;
      }),
    );
    expect(statuses.filter((status) => status === 422)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  });

  it("begins anew when the time is over", async () => {
    const from = () => logIn().set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 5; n += 1) await from().expect(422);
    await sql`update rate_limit set ends_at = now()`;
    await from().expect(422);
    expect(await sql`select distinct hits from rate_limit`).toEqual([{ hits: 1 }]);
  });
});
