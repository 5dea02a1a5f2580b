import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const wrong = { ...ada, password: "not my own password" };
const logIn = (form: object = ada) => site.post("/login").type("form").send(form);

describe("POST /login, rate-limited", () => {
  it("takes five attempts in 15 minutes for one address from one network, then refuses the right password too", async () => {
    await addUser(sql);
    const from = (network: string, form: object) => logIn(form).set("X-Forwarded-For", network);
    for (let n = 0; n < 5; n += 1) await from("203.0.113.7", wrong).expect(422);

    const { text, headers } = await from("203.0.113.7", ada).expect(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(14 * 60);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(15 * 60);
    expect(text).toContain("<title>Too many attempts");
    await from("203.0.113.8", ada).expect(303);
  });

  it("counts an address without an account the same way", async () => {
    const from = () => logIn().set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 5; n += 1) await from().expect(422);
    await from().expect(429);
  });

  it("clears the failed attempts of an address once its password is right", async () => {
    await addUser(sql);
    const from = (form: object) => logIn(form).set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 4; n += 1) await from(wrong).expect(422);
    await from(ada).expect(303);
    await from(wrong).expect(422);
    expect(await sql`select hits from rate_limit where action = 'check password'`).toEqual([{ hits: 1 }]);
  });

  it("takes ten attempts in 3 minutes from one network, for any addresses, at once too", async () => {
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

  it.each(["", "not an address", "a\0@example.com", `${"a".repeat(9000)}@example.com`])(
    "counts attempts for %j, which is no address",
    async (email) => {
      const from = () => logIn({ ...ada, email }).set("X-Forwarded-For", "203.0.113.7");
      for (let n = 0; n < 5; n += 1) await from().expect(422);
      await from().expect(429);
    },
  );

  it("starts a new count when the window ends", async () => {
    const from = () => logIn().set("X-Forwarded-For", "203.0.113.7");
    for (let n = 0; n < 5; n += 1) await from().expect(422);
    await sql`update rate_limit set ends_at = now()`;
    await from().expect(422);
    expect(await sql`select distinct hits from rate_limit`).toEqual([{ hits: 1 }]);
  });
});
