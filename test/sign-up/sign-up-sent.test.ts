import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

beforeEach(() => empty(sql));

const signUp = (form: string | object) => site.post("/signup").type("form").send(form);

describe("GET /signup/sent", () => {
  it("names the address, which is in no URL", async () => {
    const response = await signUp(ada);
    const cookie = response.get("Set-Cookie")?.find((one) => one.startsWith("sent_to=")) ?? "";
    expect(cookie).toMatch(/samesite=lax; httponly$/);

    const { text, headers } = await site.get("/signup/sent").set("Cookie", cookie).expect(200);
    expect(text).toContain(ada.email);
    expect(headers["cache-control"]).toBe("no-store");
  });

  it.each(["", "sent_to=", "sent_to=bm9ib2R5", "sent_to=%00"])(
    'shows no address for the cookie "%s"',
    async (cookie) => {
      const { text } = await site.get("/signup/sent").set("Cookie", cookie).expect(200);
      expect(text).not.toContain("@");
    },
  );
});
