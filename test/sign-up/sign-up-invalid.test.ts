import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { ada } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql));

beforeEach(() => empty(sql));

const signUp = (form: string | object) => site.post("/signup").type("form").send(form);
const signUpByJson = (body: unknown) => site.post("/signup").type("json").send(JSON.stringify(body));

describe("POST /signup, refused", () => {
  const refused = { ...ada, email: "Ada@example" };

  it("shows the same page with the address kept, the password emptied and each message at its field", async () => {
    const { text } = await signUp({ ...refused, password: "short" }).expect(422);

    expect(text).toContain(`<title>Error: Sign up – ${siteName}</title>`);
    expect(text).toContain('value="Ada@example"');
    expect(text).not.toContain('short"');
    expect(text).toContain("Enter an email address in the format name@example.com.");
    expect(text).toContain("at least 15 characters");
    expect(await sql`select * from usr`).toEqual([]);
  });

  it("responds to JSON with the messages by field", async () => {
    const { text } = await signUpByJson({ ...refused, password: "short" }).expect(422);

    expect(JSON.parse(text)).toEqual({
      errors: {
        email: expect.stringContaining("email address") as string,
        password: expect.stringContaining("15 characters") as string,
      },
    });
  });

  it.each([
    ["arrays where text is due", { email: ["a@example.com"], password: [ada.password] }],
    ["objects where text is due", { email: { a: 1 }, password: {} }],
    ["missing fields", {}],
    ["a null byte in the address", { ...ada, email: "a\0@example.com" }],
    ["a line break in the address", { ...ada, email: "a@example.com\r\nBcc: b@example.com" }],
    ["two addresses", { ...ada, email: "a@example.com, b@example.com" }],
    ["a lone surrogate", { ...ada, password: "\ud800".padEnd(20, "abcdefgh xyz") }],
    ["a password of 10 kB", { ...ada, password: "correct horse ".repeat(700) }],
    ["an address of 255 characters", { ...ada, email: `${"a".repeat(64)}@${"b.".repeat(94)}cd` }],
  ])("refuses %s", async (_, body) => {
    await signUpByJson(body).expect(422);
    expect(await sql`select * from usr`).toEqual([]);
  });

  it("refuses a field that is sent twice", async () => {
    await signUp("email=a@example.com&email=b@example.com&password=twelve+engines+hum").expect(422);
  });

  it("escapes what it shows again", async () => {
    const { text } = await signUp({ ...ada, email: '"><script>alert(1)</script>' }).expect(422);
    expect(text).not.toContain("<script>alert");
  });
});
