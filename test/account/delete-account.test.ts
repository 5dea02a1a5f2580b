import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, hasPassword, race, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addEmailChange } from "../support/email-changes.ts";
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

const post = (path: string, body: object) => site.post(path).set("Cookie", cookie).type("form").send(body);
const leave = () => post("/account/delete", {});
const tasks = () => sql`select task_type, params - 'mail_cause_id' as params from task order by task_id`;
const farewell = { task_type: "SEND_EMAIL_FAREWELL", params: { usr_id: "1", email: ada.email } };

describe("POST /account/delete", () => {
  it("deletes all rows of the account, and enqueues one last mail", async () => {
    await addLink(sql, "reset", usrId);
    await sql`insert into email_reminded (usr_id) values (${usrId})`;
    await sql`insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, 'b@example.com')`;
    const response = await leave().expect(303).expect("Location", "/account/deleted");

    expect(response.get("Set-Cookie")).toEqual([expect.stringMatching(/^session=;/)]);
    const left = [];
    for (const table of ["usr", "email_verified", "email_reminded", "session", "email_token", "email_change"]) {
      if ((await sql`select from ${sql(table)}`).length > 0) left.push(table);
    }
    expect(left).toEqual([]);
    expect(await sql`select from rate_limit`).toEqual([]);
    expect(await tasks()).toEqual([farewell]);
    expect((await site.get("/account/deleted").expect(200)).text).toContain("Account deleted");
    await site.get("/account").set("Cookie", cookie).expect(303);
  });

  it("leaves other people alone", async () => {
    const other = await addUser(sql, { ...ada, email: "grace@example.com" });
    await openSession(sql, other);
    await leave().expect(303);
    expect(await sql`select usr_id from usr`).toEqual([{ usr_id: other }]);
    expect(await sql`select usr_id from email_verified`).toEqual([{ usr_id: other }]);
    expect(await sql`select usr_id from session`).toEqual([{ usr_id: other }]);
  });

  it("lets the address sign up again", async () => {
    await leave();
    await site.post("/signup").type("form").send(ada).expect(303);
    expect(await sql`select email from usr`).toEqual([{ email: ada.email }]);
  });

  it("requires a log-in", async () => {
    await site.get("/account/delete").expect(303).expect("Location", "/login");
    await site.post("/account/delete").type("form").send({}).expect(303);
    expect(await sql`select from usr`).toHaveLength(1);
  });
});

describe("a deletion that races", () => {
  it("with another one sends one mail", async () => {
    const responses = await race(sql, usrId, [() => leave(), () => leave()]);
    expect(responses.map(({ headers }) => headers.location)).toEqual(["/account/deleted", "/login?ended"]);
    expect(await tasks()).toEqual([farewell]);
  });

  it("with a change of password before it leaves the account", async () => {
    const change = () => post("/account/password", { new_password: "another good secret" });
    const responses = await race(sql, usrId, [change, () => leave()]);
    expect(responses.map(({ headers }) => headers.location)).toEqual(["/account?password-changed", "/login?ended"]);
    expect(await hasPassword(sql, usrId, "another good secret")).toBe(true);
  });

  it.each<[string, () => request.Test, string | number]>([
    ["a change of password", () => post("/account/password", { new_password: "another good secret" }), "/login?ended"],
    ["a change of address", () => post("/account/email", { email: "new@example.com" }), "/login?ended"],
    ["a proof", () => post("/proof", { password: ada.password }), "/login?ended"],
    ["a log-in", () => site.post("/login").type("form").send(ada), 422],
  ])("with %s after it deletes the account", async (_, request, outcome) => {
    const responses = await race(sql, usrId, [() => leave(), request]);
    expect(responses.map(({ headers, status }) => headers.location ?? status)).toEqual(["/account/deleted", outcome]);
    expect(await tasks()).toEqual([farewell]);
    expect(await sql`select from session`).toHaveLength(0);
  });

  it.each(["change", "revert"])("with the link of a %s of address after it voids the link", async (purpose) => {
    const columns = purpose === "change" ? {} : { old_email: "old@example.com" };
    const change = await addEmailChange(sql, usrId, "new@example.com", columns);
    const token = await addLink(sql, purpose, usrId, { ...change, email: "old@example.com" });
    const path = purpose === "change" ? "/account/email/confirm" : "/account/email/revert";
    const responses = await race(sql, usrId, [() => leave(), () => post(path, { token })]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await tasks()).toEqual([farewell]);
  });

  it("with all other requests gives no error", async () => {
    const token = await addLink(sql, "reset", usrId);
    const requests = [
      () => leave(),
      () => leave(),
      () => post("/account/password", { new_password: "another good secret" }),
      () => post("/account/email", { email: "new@example.com" }),
      () => site.post("/password/reset").type("form").send({ token, password: "a third good secret" }),
      () => post("/proof", { password: ada.password }),
      () => site.post("/login").type("form").send(ada),
      () => site.post("/signup").type("form").send(ada),
      () => site.get("/account").set("Cookie", cookie),
    ];
    for (let round = 0; round < 10; round += 1) {
      const responses = await Promise.all(requests.toSorted(() => Math.random() - 0.5).map((send) => send()));
      expect(responses.filter(({ status }) => status >= 500)).toEqual([]);
    }
  });
});
