import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { projectName } from "../../app/env.ts";
import { ada, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent } from "../support/feed.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const safari =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1";

let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId, { browser: firefox, address: "198.51.100.1" });
});

const show = () => site.get("/account").set("Cookie", cookie);
const sessionIds = async () =>
  (await sql<{ session_id: string }[]>`select session_id from session order by session_id`).map(
    ({ session_id }) => session_id,
  );

describe("GET /account", () => {
  it("lists the live sessions: browser, address, when last seen, this one first", async () => {
    await openSession(sql, usrId, {
      browser: safari,
      address: "2001:db8::1",
      seen_at: new Date("2026-10-03T23:59:59Z"),
    });
    await openSession(sql, usrId, { address: "203.0.113.9", expires_at: new Date(0) });
    await openSession(sql, await addUser(sql, { ...ada, email: "grace@example.com" }), { address: "203.0.113.10" });
    const { text } = await show().expect(200).expect("Cache-Control", "no-store");

    expect(text).toMatch(/Firefox on Linux.*\(this browser\)[^]*198\.51\.100\.1[^]*Safari on iOS[^]*2001:db8::1/);
    expect(text).toContain('<time datetime="2026-10-03">3 October 2026</time>');
    expect(text).not.toContain("203.0.113.");
    expect(text.match(/name="session_id"/g)).toHaveLength(1);
  });

  it("shows an IPv4 address as people write it, however it was stored", async () => {
    await sql`update session set address = '::ffff:198.51.100.1'`;
    const { text } = await show().expect(200);
    expect(text).toContain("198.51.100.1");
    expect(text).not.toContain("ffff");
  });

  it("escapes the name of a browser, and shows no text from the query", async () => {
    await sql`update session set address = '<script>alert(1)</script>'`;
    const { text } = await site.get("/account?<script>alert(1)</script>").set("Cookie", cookie).expect(200);
    expect(text).not.toContain("<script>alert");
    expect((await site.get("/account?constructor").set("Cookie", cookie)).text).not.toContain("notice");
    expect((await site.get("/account?password-changed").set("Cookie", cookie)).text).toContain('class="notice"');
  });

  it("lists the latest activity of this user, the newest first", async () => {
    const created_at = new Date("2026-10-03T07:05:00Z");
    await appendEvent(sql, "SIGNED_UP", { usr_id: usrId, created_at });
    await appendEvent(sql, "MAIL_SENT", { usr_id: usrId, data: { subject: "Welcome" } });
    await appendEvent(sql, "TASK_DEAD", { usr_id: usrId });
    await appendEvent(sql, "PASSWORD_CHANGED", { usr_id: Number(usrId) + 1 });
    for (let n = 0; n < 19; n += 1) await appendEvent(sql, "LOGGED_IN", { usr_id: usrId });
    expect((await show()).text.match(/<th scope="row">You logged in/g)).toHaveLength(19);

    await sql`delete from event where event_type = 'LOGGED_IN'`;
    const { text } = await show().expect(200);
    expect(text).toMatch(/Recent activity[^]*We sent you the email “Welcome”[^]*You signed up/);
    expect(text).toContain('<time datetime="2026-10-03T07:05:00.000Z">3 October 2026 at 07:05 UTC</time>');
    expect(text).not.toMatch(/password was|TASK_DEAD/);
  });

  it("requires a log-in", async () => {
    await site.get("/account").expect(303).expect("Location", "/login");
    await site.get("/account").set("Cookie", "session=nonsense").expect(303);
    await site.get("/account").set("Accept", "application/json").expect(401);
  });
});

describe("POST /account/sessions/end", () => {
  const end = (session_id: unknown) =>
    site.post("/account/sessions/end").set("Cookie", cookie).type("form").send({ session_id });

  it("ends one, and that browser is logged out", async () => {
    const other = await openSession(sql, usrId);
    await end("2").expect(303).expect("Location", "/account?session-ended");
    await site.get("/account").set("Cookie", other).expect(303);
    await show().expect(200);
    await end("2").expect(303);
  });

  it("leaves the sessions of other users alone", async () => {
    await openSession(sql, await addUser(sql, { ...ada, email: "grace@example.com" }));
    await end("2").expect(303);
    expect(await sessionIds()).toEqual(["1", "2"]);
  });

  it.each(["", "0", "-1", "1e3", "9".repeat(18), "9".repeat(40), "a", ["1", "2"]])("ends none for %j", async (id) => {
    await end(id).expect(303);
    expect(await sessionIds()).toEqual(["1"]);
  });
});

describe("POST /account/sessions/end-all", () => {
  it("ends all sessions of the user, this one included, and none of other users", async () => {
    const other = await openSession(sql, usrId);
    await openSession(sql, await addUser(sql, { ...ada, email: "grace@example.com" }));
    const response = await site.post("/account/sessions/end-all").set("Cookie", cookie).type("form").send({});
    expect(response.status).toBe(303);
    expect(response.headers.location).toBe("/login?out");
    await site.get("/login?out").expect(200, /You are logged out in all browsers/);
    expect(response.get("Set-Cookie")).toEqual([expect.stringMatching(/^session=;/)]);

    await show().expect(303);
    await site.get("/account").set("Cookie", other).expect(303);
    expect(await sessionIds()).toEqual(["3"]);
  });
});

describe("GET /account/data", () => {
  it("sends what the account holds, as a file, without hashes", async () => {
    await sql`insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, 'new@example.com')`;
    await appendEvent(sql, "LOGGED_IN", { usr_id: usrId });
    await sql`insert into known_browser (token_hash, usr_id, usr_version) values (sha256('x'), ${usrId}, 0)`;
    await sql`select mail_params(${usrId}, 'Firefox on Linux', '198.51.100.1'), mail_params(0, 'Edge', '198.51.100.2')`;
    // Without sessions that a raised version has ended.
    await openSession(sql, usrId, { usr_version: -1 });
    await sql`insert into known_browser (token_hash, usr_id, usr_version) values (sha256('y'), ${usrId}, -1)`;
    const { headers, text } = await site.get("/account/data").set("Cookie", cookie).expect(200);

    expect(headers["content-disposition"]).toBe(`attachment; filename="${projectName}-data.json"`);
    expect(headers["content-type"]).toContain("application/json");
    const time = expect.stringMatching(/^20\d\d-/) as string;
    expect(JSON.parse(text)).toEqual({
      email: ada.email,
      signed_up_at: time,
      email_verified_at: time,
      email_reminded_at: null,
      sessions: [
        { browser: firefox, address: "198.51.100.1", began_at: time, seen_at: time, proved_at: time, ends_at: time },
      ],
      known_browsers: [{ known_since: time, logged_in_at: time }],
      email_changes: [{ old_email: ada.email, new_email: "new@example.com", asked_at: time, confirmed_at: null }],
      security_emails: [{ browser: "Firefox on Linux", network: "198.51.100.1", caused_at: time }],
      activity: [{ what: "LOGGED_IN", data: {}, happened_at: time }],
    });
    expect(text).not.toMatch(/argon2|hash|\\x/);
  });

  it("requires a log-in", () => site.get("/account/data").expect(303).expect("Location", "/login"));
});
