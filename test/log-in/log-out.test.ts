import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

describe("POST /logout", () => {
  it("ends the session and deletes the cookie", async () => {
    const session = await openSession(sql, await addUser(sql));
    const response = await site.post("/logout").set("Cookie", session).expect(303).expect("Location", "/");
    expect(response.get("Set-Cookie")?.[0]).toMatch(/^session=; path=\/; expires=Thu, 01 Jan 1970/);
    await account(session).expect(303);
    expect(await sql`select from session`).toEqual([]);
  });

  it("does nothing without a session", async () => {
    await site.post("/logout").expect(303);
    await site.post("/logout").set("Cookie", "session=%00").expect(303);
  });
});
