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
const change = (chosen = password) => post().type("form").send({ new_password: chosen });
const cookieOf = (answer: request.Response) => (answer.get("Set-Cookie") ?? []).join().split(";")[0]!;
const tasks = () => sql`select task_type, params - 'mail_cause_id' as params from task`;
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

  it("refuses a password against the rules", async () => {
    const { text } = await change("too short").expect(422);
    expect(text).toContain("<title>Error: Change your password");
    expect(JSON.parse((await post().send({ new_password: "too short" }).expect(422)).text)).toEqual({
      errors: { new_password: expect.stringContaining("15 characters") as string },
    });
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    expect(await tasks()).toEqual([]);
  });

  it.each([
    ["lists", { new_password: [password] }],
    ["objects", { new_password: {} }],
    ["nothing", {}],
    ["a lone surrogate", { new_password: `${password} \ud800` }],
    ["10 kB", { new_password: "correct horse ".repeat(700) }],
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
    const answers = await race(sql, usrId, [() => change(), () => change("a third good secret")]);
    expect(answers.map(({ headers }) => headers.location)).toEqual(["/account?password-changed", "/login?ended"]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await tasks()).toEqual([mail]);
  });

  it.each(["before it", "after it"])("with a reset %s: the first wins", async (where) => {
    const token = await addLink(sql, "reset", usrId);
    const reset = () => site.post("/password/reset").type("form").send({ token, password: "a third good secret" });
    const isFirst = where === "after it";
    const answers = await race(sql, usrId, isFirst ? [() => change(), reset] : [reset, () => change()]);
    // The change has ended the link; the reset has ended the session.
    expect(answers.map(({ status, headers }) => headers.location ?? status)).toEqual(
      isFirst ? ["/account?password-changed", 410] : ["/login?reset", "/login?ended"],
    );
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
