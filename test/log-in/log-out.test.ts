import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { addOwner, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

describe("POST /logout", () => {
  it("ends the session and takes the cookie back", async () => {
    const session = await openSession(sql, await addOwner(sql));
    const answer = await site.post("/logout").set("Cookie", session).expect(303).expect("Location", "/");
    expect(answer.get("Set-Cookie")?.[0]).toMatch(/^session=; path=\/; expires=Thu, 01 Jan 1970/);
    await account(session).expect(303);
    expect(await sql`select from session`).toEqual([]);
  });

  it("is well with nobody logged in", async () => {
    await site.post("/logout").expect(303);
    await site.post("/logout").set("Cookie", "session=%00").expect(303);
  });
});
