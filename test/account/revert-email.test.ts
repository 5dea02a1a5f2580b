import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, hasPassword, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { emailOf, moveOn } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

let usrId: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addOwner(sql);
});

const move = (email: string, columns = {}) => moveOn(sql, usrId, email, columns);
const email = () => emailOf(sql, usrId);
const show = (token: string) => site.get("/account/email/revert").query({ token });
const revert = (token: unknown) => site.post("/account/email/revert").type("form").send({ token });
const owed = () => sql`select task_type, params from task`;

describe("GET /account/email/revert", () => {
  it("asks, needs no log-in, and changes nothing", async () => {
    const { text } = await show(await move("thief@example.com")).expect(200);
    expect(text).toContain(ada.email);
    expect(text).not.toContain("thief@example.com");
    expect(await email()).toBe("thief@example.com");
  });
});

describe("POST /account/email/revert", () => {
  it("gives the account back: its address, no session, a password that nobody knows, a mail to choose one", async () => {
    await sql`insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, 'b@example.com')`;
    const token = await move("thief@example.com");
    await openSession(sql, usrId);
    await addLink(sql, "reset", usrId);
    await revert(token).expect(303).expect("Location", "/account/email/reverted");

    expect(await email()).toBe(ada.email);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(false);
    expect(await sql`select from session`).toHaveLength(0);
    expect(await sql`select from email_token`).toHaveLength(0);
    expect(await sql`select from email_change`).toHaveLength(0);
    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_PASSWORD_RESET", params: { usr_id: usrId } }]);
    await site.post("/login").type("form").send(ada).expect(422);
    await site.get("/account/email/reverted").expect(200);
  });

  it("works once", async () => {
    const token = await move("thief@example.com");
    await revert(token).expect(303);
    await show(token).expect(410);
    await revert(token).expect(410);
    expect(await owed()).toHaveLength(1);
  });

  it("works when the account was moved on since, and ends the thief's own way back", async () => {
    const token = await move("thief@example.com");
    const thiefs = await move("thief2@example.com");
    await revert(token).expect(303);
    expect(await email()).toBe(ada.email);
    await revert(thiefs).expect(410);
    expect(await sql`select from email_change`).toHaveLength(0);
  });

  it("works after the thief has gone back a step, changed the password, or reset it", async () => {
    const token = await move("thief@example.com");
    const thiefs = await move("thief2@example.com");
    await revert(thiefs).expect(303);
    expect(await email()).toBe("thief@example.com");

    const reset = await addLink(sql, "reset", usrId);
    const password = "another good secret";
    await site.post("/password/reset").type("form").send({ token: reset, password }).expect(303);
    const cookie = await openSession(sql, usrId);
    const chosen = { password, new_password: "a third good secret" };
    await site.post("/account/password").set("Cookie", cookie).type("form").send(chosen).expect(303);

    await revert(token).expect(303);
    expect(await email()).toBe(ada.email);
  });

  it.each([
    ["has expired", { expires_at: new Date(0) }],
    ["was for another purpose", { purpose: "change" }],
    ["leads where the account is already", { email: "thief@example.com" }],
  ])("changes nothing when the link %s", async (_, columns) => {
    const token = await move("thief@example.com", columns);
    await show(token).expect(410);
    await revert(token).expect(410);
    expect(await email()).toBe("thief@example.com");
  });

  it.each([undefined, "", "nonsense", ["a", "b"]])("has no use for the token %j", async (token) => {
    await revert(token).expect(410);
  });

  it("takes the address back from an account that never verified it", async () => {
    const token = await move("thief@example.com");
    await addOwner(sql, ada, false);
    await revert(token).expect(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: ada.email }]);
  });

  it("says that a verified account has the address by now, and changes nothing", async () => {
    const token = await move("thief@example.com");
    await addOwner(sql);
    const { text } = await revert(token).expect(409);
    expect(text).toContain("This address has another account now");
    expect(await email()).toBe("thief@example.com");
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    await show(token).expect(200);
  });
});
