import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, race, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { requestEmailChange, emailOf, moveToNewEmail } from "../support/email-changes.ts";
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
const revert = (token: unknown) => site.post("/account/email/revert").type("form").send({ token });
const tasks = () => sql`select task_type, params - 'mail_cause_id' as params from task`;

describe("a revert that races", () => {
  const confirmation = async () => {
    const token = await requestEmailChange(sql, usrId, "thief2@example.com");
    const cookie = await openSession(sql, usrId);
    return () => site.post("/account/email/confirm").set("Cookie", cookie).type("form").send({ token });
  };

  it("with itself works once", async () => {
    const token = await move("thief@example.com");
    const responses = await race(sql, usrId, [() => revert(token), () => revert(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await tasks()).toHaveLength(1);
  });

  it.each([
    ["before it: the older address wins", [303, 303]],
    ["after it: that one gets 410", [303, 410]],
  ])("with the thief's own revert %s", async (where, statuses) => {
    const token = await move("thief@example.com");
    const thiefs = await move("thief2@example.com");
    const tokens = where.startsWith("before") ? [thiefs, token] : [token, thiefs];
    const responses = await race(
      sql,
      usrId,
      tokens.map((one) => () => revert(one)),
    );
    expect(responses.map(({ status }) => status)).toEqual(statuses);
    expect(await email()).toBe(ada.email);
  });

  it("with the thief's next change before it still gives the account back", async () => {
    const token = await move("thief@example.com");
    const responses = await race(sql, usrId, [await confirmation(), () => revert(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    expect(await email()).toBe(ada.email);
    expect(await sql`select from email_change`).toHaveLength(0);
  });

  it("with the thief's next change after it voids that change", async () => {
    const token = await move("thief@example.com");
    const responses = await race(sql, usrId, [() => revert(token), await confirmation()]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("with the verification of that address by another account leaves it there", async () => {
    const token = await move("thief@example.com");
    const other = await addUser(sql, ada, false);
    const link = await addLink(sql, "verify", other);
    const verify = () => site.post("/verify").type("form").send({ token: link, password: "another good secret" });
    const responses = await race(sql, other, [verify, () => revert(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 409]);
    expect(await email()).toBe("thief@example.com");
  });
});
