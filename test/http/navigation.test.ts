import pino from "pino";
import request from "supertest";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const url = await serveApp(sql);
const noDatabase = connect({ DATABASE_URL: "postgres://127.0.0.1:1/", DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
afterAll(() => noDatabase.end({ timeout: 0 }));
const urlWithoutDatabase = await serveApp(noDatabase);

beforeEach(() => empty(sql));

/** The links and buttons in the header of a page. */
async function navigation(path: string, cookie = "", site = url): Promise<string[]> {
  const { text } = await request(site).get(path).set("Cookie", cookie);
  const [, nav = ""] = /<nav>([^]*)<\/nav>/.exec(text) ?? [];
  return Array.from(nav.matchAll(/<(?:a|button)[^>]*>([^<]+)</g), ([, label = ""]) => label);
}

const loggedOut = ["Log in", "Sign up"];
const loggedIn = ["Account", "Log out"];
const pages = ["/", "/signup", "/login", "/password/forgot", "/verify?token=old"];

describe("the navigation", () => {
  it.each(pages)("offers the right links at %s", async (path) => {
    const cookie = await openSession(sql, await addUser(sql));
    expect(await navigation(path)).toEqual(loggedOut);
    expect(await navigation(path, cookie)).toEqual(loggedIn);

    await sql`update session set expires_at = now()`;
    expect(await navigation(path, cookie), "an expired session").toEqual(loggedOut);
    expect(await navigation(path, "session=%00"), "not a session").toEqual(loggedOut);
  });

  it("stays right when a form is refused", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    const { text } = await request(url).post("/login").type("form").send({}).set("Cookie", cookie).expect(422);
    expect(text).toContain(">Log out</button>");
    expect(text).not.toContain('href="/login"');
  });

  it("offers only the account when the database is not queried or is away", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    expect(await navigation("/nowhere", cookie)).toEqual(["Account"]);
    expect(await navigation("/nowhere")).toEqual(loggedOut);
    expect(await navigation("/login", cookie, urlWithoutDatabase)).toEqual(["Account"]);
    expect(await navigation("/account", cookie, urlWithoutDatabase)).toEqual(["Account"]);
  });
});

describe("a page without its user", () => {
  it("is shown after a second when the database is frozen, and the log says why", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const site = await serveApp(sql, { log });
    await sql.begin(async (tx) => {
      await tx`lock table usr in access exclusive mode`;
      expect(await navigation("/login", cookie, site)).toEqual(["Account"]);
    });
    const warnings = lines.map((line) => JSON.parse(line) as { msg: string; err?: { message: string } });
    expect(warnings.filter(({ msg }) => msg === "navigation incomplete").map(({ err }) => err?.message)).toEqual([
      "No response from the database within 1 s.",
    ]);
  });
});

describe("GET /", () => {
  it("greets the current user, and invites everyone else to sign up", async () => {
    const cookie = await openSession(sql, await addUser(sql));
    const { text } = await request(url).get("/").set("Cookie", cookie).expect(200);
    expect(text).toContain(`You are logged in as <strong>${ada.email}</strong>`);
    expect(text).not.toContain('href="/signup"');
    expect((await request(url).get("/").expect(200)).text).toContain("Create your account");
  });
});
