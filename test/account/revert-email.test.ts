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
import { emailOf, moveToNewEmail } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

let usrId: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
});

const move = (email: string, columns = {}) => moveToNewEmail(sql, usrId, email, columns);
const email = () => emailOf(sql, usrId);
const show = (token: string) => site.get("/account/email/revert").query({ token });
const revert = (token: unknown) => site.post("/account/email/revert").type("form").send({ token });
const tasks = () => sql`select task_type, params - 'mail_cause_id' as params from task`;

describe("GET /account/email/revert", () => {
  it("asks, needs no log-in, and changes nothing", async () => {
    const { text } = await show(await move("thief@example.com")).expect(200);
    expect(text).toContain(ada.email);
    expect(text).not.toContain("thief@example.com");
    expect(await email()).toBe("thief@example.com");
  });
});

describe("POST /account/email/revert", () => {
  it("gives the account its address back, ends all sessions, sets a random password, and enqueues a reset mail", async () => {
    await sql`insert into email_change (usr_id, old_email, new_email) values (${usrId}, ${ada.email}, 'b@example.com')`;
    const token = await move("thief@example.com");
    await openSession(sql, usrId);
    await addLink(sql, "reset", usrId);
    await revert(token).expect(303).expect("Location", "/account/email/reverted");

    expect(await email()).toBe(ada.email);
    expect(await hasPassword(sql, usrId, ada.password)).toBe(false);
    expect(await liveSessions(sql)).toEqual([]);
    expect(await liveLinks(sql)).toEqual([]);
    expect(await sql`select from email_change`).toHaveLength(0);
    expect(await tasks()).toEqual([
      { task_type: "SEND_EMAIL_PASSWORD_RESET", params: { usr_id: usrId, because: "reverted" } },
    ]);
    await site.post("/login").type("form").send(ada).expect(422);
    await site.get("/account/email/reverted").expect(200);
  });

  it("works once", async () => {
    const token = await move("thief@example.com");
    await revert(token).expect(303);
    await show(token).expect(410);
    await revert(token).expect(410);
    expect(await tasks()).toHaveLength(1);
  });

  it("works after a further change, and ends the thief's own revert link", async () => {
    const token = await move("thief@example.com");
    const thiefs = await move("thief2@example.com");
    await revert(token).expect(303);
    expect(await email()).toBe(ada.email);
    await revert(thiefs).expect(410);
    expect(await sql`select from email_change`).toHaveLength(0);
  });

  it("works after the thief has reverted a change, changed the password, or reset it", async () => {
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
    ["leads to the address that the account has", { email: "thief@example.com" }],
  ])("changes nothing when the link %s", async (_, columns) => {
    const token = await move("thief@example.com", columns);
    await show(token).expect(410);
    await revert(token).expect(410);
    expect(await email()).toBe("thief@example.com");
  });

  it.each([undefined, "", "nonsense", ["a", "b"]])("refuses the token %j", async (token) => {
    await revert(token).expect(410);
  });

  it("takes the address back from an account that never verified it", async () => {
    const token = await move("thief@example.com");
    await addUser(sql, ada, false);
    await revert(token).expect(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: ada.email }]);
  });

  it("changes nothing when a verified account has the address", async () => {
    const token = await move("thief@example.com");
    await addUser(sql);
    const { text } = await revert(token).expect(409);
    expect(text).toContain("Another account uses this address");
    expect(await email()).toBe("thief@example.com");
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    await show(token).expect(200);
  });
});
