import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ada,
  addLink,
  addUser,
  hasPassword,
  liveLinks,
  liveSessions,
  openSession,
  passwords,
} from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const reset = (token: unknown, chosen: unknown = password) =>
  site.post("/password/reset").type("form").send({ token, password: chosen });
const show = (token: string) => site.get("/password/reset").query({ token });
const tasks = () => sql<{ task_type: string }[]>`select task_type from task`;

describe("GET /password/reset", () => {
  it("asks for a new password, and names the account for password managers", async () => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    const { text } = await show(token).expect(200).expect("Cache-Control", "no-store");
    expect(text).toContain('autocomplete="new-password"');
    expect(text).toMatch(/value="ada@example.com" autocomplete="username"/);
    await show(token).expect(200);
  });

  it.each(["", "nonsense", "%00", "%ff", "%ed%a0%80", "x".repeat(5000)])(
    "has no use for the token %j",
    async (token) => {
      await site.get(`/password/reset?token=${token}`).expect(410);
      await reset(token).expect(410);
      await site
        .post("/password/reset")
        .type("form")
        .send(`token=${token}`)
        .expect(/no longer works|could not read/);
    },
  );

  it("refuses two tokens, and none", async () => {
    const token = await addLink(sql, "reset", await addUser(sql));
    await site.get(`/password/reset?token=${token}&token=${token}`).expect(410);
    await site.get("/password/reset").expect(410);
    await site.post("/password/reset").type("form").send(`token=${token}&token=${token}&password=x`).expect(410);
    await site
      .post("/password/reset")
      .send({ token: [token], password })
      .expect(410);
  });
});

describe("POST /password/reset", () => {
  it("sets the password once, and enqueues a mail that says so", async () => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    await reset(token).expect(303).expect("Location", "/login?reset");
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await sql`select task_type, params - 'mail_cause_id' as params from task`).toEqual([
      { task_type: "SEND_EMAIL_PASSWORD_CHANGED", params: { usr_id: usrId } },
    ]);

    await reset(token, "a third good secret").expect(410);
    await show(token).expect(410);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
  });

  it("ends every session and every link but the revert link", async () => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    await openSession(sql, usrId);
    for (const purpose of ["reset", "verify", "change", "revert"]) await addLink(sql, purpose, usrId);
    await reset(token).expect(303);
    expect(await liveSessions(sql)).toEqual([]);
    expect(await liveLinks(sql)).toEqual([{ usr_id: usrId, purpose: "revert" }]);
  });

  it("leaves other people alone", async () => {
    const usrId = await addUser(sql);
    const other = await addUser(sql, { ...ada, email: "grace@example.com" });
    await openSession(sql, other);
    await addLink(sql, "reset", other);
    await reset(await addLink(sql, "reset", usrId)).expect(303);
    expect(await liveSessions(sql)).toEqual([{ usr_id: other }]);
    expect(await liveLinks(sql)).toEqual([{ usr_id: other, purpose: "reset" }]);
    expect(await hasPassword(sql, other, ada.password)).toBe(true);
  });

  it("verifies the address too", async () => {
    const usrId = await addUser(sql, ada, false);
    await reset(await addLink(sql, "reset", usrId)).expect(303);
    expect(await sql`select usr_id from email_verified`).toEqual([{ usr_id: usrId }]);
  });

  it("clears the failed attempts with the forgotten password", async () => {
    const usrId = await addUser(sql);
    const here = "198.51.100.7";
    const logIn = (tried: string) =>
      site
        .post("/login")
        .set("X-Forwarded-For", here)
        .type("form")
        .send({ ...ada, password: tried });
    for (let time = 0; time < 5; time += 1) await logIn("not the one").expect(422);
    await logIn("not the one").expect(429);
    await reset(await addLink(sql, "reset", usrId))
      .set("X-Forwarded-For", here)
      .expect(303);
    await logIn(password).expect(303);
  });

  it.each([
    ["has expired", { expires_at: new Date(0) }],
    ["was made before the password or the address changed", { usr_version: -1 }],
    ["was for another purpose", { purpose: "verify" }],
  ])("changes nothing when the link %s", async (_, columns) => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId, columns);
    await show(token).expect(410);
    await reset(token).expect(410);
    const response = await site.post("/password/reset").send({ token, password }).expect(410);
    expect(JSON.parse(response.text)).toEqual({ error: expect.stringContaining("no longer works") as string });
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await tasks()).toEqual([]);
  });

  it.each([
    ["short", "too short"],
    ["common", "password1234567"],
    ["of 10 kB", "correct horse ".repeat(700)],
    ["a list", [password, password]],
  ])("refuses a password that is %s, and the link still works", async (_, chosen) => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    const { text } = await reset(token, chosen).expect(422);
    expect(text).toContain("<title>Error: Choose a new password");
    expect(text).toContain(token);
    const response = await site.post("/password/reset").send({ token, password: chosen }).expect(422);
    expect(JSON.parse(response.text)).toEqual({ errors: { password: expect.any(String) as string } });
    await reset(token).expect(303);
  });
});
