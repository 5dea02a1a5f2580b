import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addOwner, hasPassword, meet, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const reset = (token: unknown, chosen: unknown = password) =>
  site.post("/password/reset").type("form").send({ token, password: chosen });
const owed = () => sql<{ task_type: string }[]>`select task_type from task`;

describe("two resets at once", () => {
  it("by two links: the first wins, and no more than one mail is owed", async () => {
    const usrId = await addOwner(sql);
    const [one, two] = [await addLink(sql, "reset", usrId), await addLink(sql, "reset", usrId)];
    const answers = await meet(sql, usrId, [() => reset(one), () => reset(two, "a third good secret")]);

    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await owed()).toHaveLength(1);
  });

  it("by the same link: it works once", async () => {
    const usrId = await addOwner(sql);
    const token = await addLink(sql, "reset", usrId);
    const answers = await meet(sql, usrId, [() => reset(token), () => reset(token, "a third good secret")]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
  });

  it("never both, whoever comes first", async () => {
    const usrId = await addOwner(sql);
    for (let round = 0; round < 10; round += 1) {
      const tokens = await Promise.all([1, 2, 3, 4].map(() => addLink(sql, "reset", usrId)));
      const answers = await Promise.all(tokens.map((token) => reset(token)));
      expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([303, 410, 410, 410]);
    }
  });
});

describe("a reset while somebody logs in with the old password", () => {
  it("leaves no session of the old password that counts", async () => {
    const logIn = () => site.post("/login").type("form").send(ada);
    for (const isLogInFirst of [true, false]) {
      await empty(sql);
      const usrId = await addOwner(sql);
      const token = await addLink(sql, "reset", usrId);
      const requests = [logIn, () => reset(token)];
      const answers = await meet(sql, usrId, isLogInFirst ? requests : requests.toReversed());

      expect(await hasPassword(sql, usrId, password)).toBe(true);
      for (const answer of answers) {
        const [cookie = ""] = answer.get("Set-Cookie") ?? [];
        await site.get("/account").set("Cookie", cookie).expect(303);
      }
    }
  });
});

describe("a reset while the account is deleted", () => {
  it("finds nobody, or is gone with the account", async () => {
    const usrId = await addOwner(sql);
    const token = await addLink(sql, "reset", usrId);
    const cookie = await openSession(sql, usrId);
    const leave = () =>
      site.post("/account/delete").set("Cookie", cookie).type("form").send({ password: ada.password });
    const answers = await meet(sql, usrId, [leave, () => reset(token)]);
    expect(answers.map(({ status }) => status)).toEqual([303, 410]);
    expect(await owed()).toEqual([{ task_type: "SEND_EMAIL_FAREWELL" }]);

    const second = await addOwner(sql);
    const link = await addLink(sql, "reset", second);
    const browser = await openSession(sql, second);
    const again = await meet(sql, second, [
      () => reset(link),
      () => site.post("/account/delete").set("Cookie", browser).type("form").send({ password: ada.password }),
    ]);
    expect(again.map(({ status }) => status)).toEqual([303, 422]);
  });
});
