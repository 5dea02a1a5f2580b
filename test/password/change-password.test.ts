import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, hasPassword, liveLinks, race, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId);
});

const password = "another good secret";
const post = () => site.post("/account/password").set("Cookie", cookie);
const change = (old = ada.password, chosen = password) =>
  post().type("form").send({ password: old, new_password: chosen });
const cookieOf = (answer: request.Response) => (answer.get("Set-Cookie") ?? []).join().split(";")[0]!;
const tasks = () => sql`select task_type, params from task`;
const mail = { task_type: "SEND_EMAIL_PASSWORD_CHANGED", params: { usr_id: "1" } };

describe("POST /account/password", () => {
  it("sets the password, and enqueues a mail that says so", async () => {
    await change().expect(303).expect("Location", "/account?password-changed");
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await tasks()).toEqual([mail]);
  });

  it("gives this session a new token, and ends the other sessions and links", async () => {
    const other = await openSession(sql, usrId);
    for (const purpose of ["reset", "change", "revert"]) await addLink(sql, purpose, usrId);
    const next = cookieOf(await change());

    expect(next).toMatch(/^session=.{43}$/);
    await site.get("/account").set("Cookie", next).expect(200);
    await site.get("/account").set("Cookie", cookie).expect(303);
    await site.get("/account").set("Cookie", other).expect(303);
    expect(await liveLinks(sql)).toEqual([{ usr_id: usrId, purpose: "revert" }]);
  });

  it("refuses a wrong old password", async () => {
    const { text } = await change("not the right one").expect(422);
    expect(text).toContain("<title>Error: Change your password");
    expect(text).toContain("This password is wrong");
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await tasks()).toEqual([]);
  });

  it("refuses a new password against the rules, once the old one is right", async () => {
    const errorsFor = async (old: string) =>
      JSON.parse((await post().send({ password: old, new_password: "too short" }).expect(422)).text) as unknown;
    expect(await errorsFor("wrong")).toEqual({ errors: { password: "This password is wrong." } });
    expect(await errorsFor(ada.password)).toEqual({
      errors: { new_password: expect.stringContaining("15 characters") as string },
    });
  });

  it("takes any number of new passwords against the rules while the old one is right", async () => {
    for (let time = 0; time < 5; time += 1) await change(ada.password, "too short").expect(422);
    await change().expect(303);
  });

  it("takes five attempts in 15 minutes, then responds 429", async () => {
    for (let time = 0; time < 5; time += 1) await change("not the right one").expect(422);
    await change()
      .expect(429)
      .expect("Retry-After", /^[89]\d\d$/);
    await sql`update rate_limit set ends_at = now()`;
    await change().expect(303);
  });

  it("clears the failed attempts once the old password is right", async () => {
    for (let time = 0; time < 4; time += 1) await change("not the right one").set("X-Forwarded-For", "198.51.100.9");
    await change().set("X-Forwarded-For", "198.51.100.9").expect(303);
    expect(await sql`select from rate_limit`).toEqual([]);
  });

  it.each([
    ["lists", { password: [ada.password], new_password: [password] }],
    ["objects", { password: {}, new_password: {} }],
    ["nothing", {}],
    ["a null byte", { password: "a\0", new_password: password }],
    ["a lone surrogate", { password: "\ud800", new_password: password }],
    ["10 kB", { password: "correct horse ".repeat(700), new_password: password }],
  ])("refuses %s", async (_, body) => {
    const { status } = await post().type("json").send(JSON.stringify(body));
    expect([400, 422]).toContain(status);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
  });

  it("requires a log-in", async () => {
    await site.get("/account/password").expect(303).expect("Location", "/login");
    await site.post("/account/password").type("form").send({}).expect(303).expect("Location", "/login");
    await site.post("/account/password").send({}).expect(401);
  });
});

describe("a change of password that races", () => {
  it("with another one: the first wins", async () => {
    const answers = await race(sql, usrId, [() => change(), () => change(ada.password, "a third good secret")]);
    expect(answers.map(({ status }) => status)).toEqual([303, 422]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await tasks()).toEqual([mail]);
  });

  it.each(["before it", "after it"])("with a reset %s: the first wins", async (where) => {
    const token = await addLink(sql, "reset", usrId);
    const reset = () => site.post("/password/reset").type("form").send({ token, password: "a third good secret" });
    const isFirst = where === "after it";
    const answers = await race(sql, usrId, isFirst ? [() => change(), reset] : [reset, () => change()]);
    // The change has ended the link; the reset has set another password than the one that was checked.
    expect(answers.map(({ status }) => status)).toEqual([303, isFirst ? 410 : 422]);
    expect(await hasPassword(sql, usrId, isFirst ? password : "a third good secret")).toBe(true);
    expect(await tasks()).toEqual([mail]);
  });

  it("with the end of its own session changes the password, and the browser is logged out", async () => {
    const everywhere = () => site.post("/account/sessions/end-all").set("Cookie", cookie);
    const [changed] = await race(sql, usrId, [() => change(), everywhere]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    await site.get("/account").set("Cookie", cookieOf(changed!)).expect(303);
    expect(await sql`select from session`).toHaveLength(0);
  });
});
