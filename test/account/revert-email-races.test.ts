import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, meet, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { askToMove, emailOf, moveOn } from "../support/email-changes.ts";
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
const revert = (token: unknown) => site.post("/account/email/revert").type("form").send({ token });
const owed = () => sql`select task_type, params from task`;

describe("a way back that meets", () => {
  const confirmation = async () => {
    const token = await askToMove(sql, usrId, "thief2@example.com");
    const cookie = await openSession(sql, usrId);
    return () => site.post("/account/email/confirm").set("Cookie", cookie).type("form").send({ token });
  };

  it("itself: it works once", async () => {
    const token = await move("thief@example.com");
    const answers = await meet(sql, usrId, [() => revert(token), () => revert(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await owed()).toHaveLength(1);
  });

  it.each([
    ["before it: the older address wins", [303, 303]],
    ["behind it: that one finds no link", [303, 410]],
  ])("the thief's own way back %s", async (where, statuses) => {
    const token = await move("thief@example.com");
    const thiefs = await move("thief2@example.com");
    const tokens = where.startsWith("before") ? [thiefs, token] : [token, thiefs];
    const answers = await meet(
      sql,
      usrId,
      tokens.map((one) => () => revert(one)),
    );
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    expect(await email()).toBe(ada.email);
  });

  it("the thief's next change before it: the account comes back all the same", async () => {
    const token = await move("thief@example.com");
    const answers = await meet(sql, usrId, [await confirmation(), () => revert(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(await email()).toBe(ada.email);
    expect(await sql`select from email_change`).toHaveLength(0);
  });

  it("the thief's next change behind it: that one finds no link", async () => {
    const token = await move("thief@example.com");
    const answers = await meet(sql, usrId, [() => revert(token), await confirmation()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("the verification of that address by another account: the verified one keeps it", async () => {
    const token = await move("thief@example.com");
    const other = await addOwner(sql, ada, false);
    const link = await addLink(sql, "verify", other);
    const verify = () => site.post("/verify").type("form").send({ token: link, password: "another good secret" });
    const answers = await meet(sql, other, [verify, () => revert(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 409]);
    expect(await email()).toBe("thief@example.com");
  });
});
