import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, hasPassword, race, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const reset = (token: unknown, chosen: unknown = password) =>
  site.post("/password/reset").type("form").send({ token, password: chosen });
const tasks = () => sql<{ task_type: string }[]>`select task_type from task`;

describe("two resets at once", () => {
  it("by two links: the first wins, and one mail is enqueued", async () => {
    const usrId = await addUser(sql);
    const [one, two] = [await addLink(sql, "reset", usrId), await addLink(sql, "reset", usrId)];
    const responses = await race(sql, usrId, [() => reset(one), () => reset(two, "a third good secret")]);

    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await tasks()).toHaveLength(1);
  });

  it("by the same link: it works once", async () => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    const responses = await race(sql, usrId, [() => reset(token), () => reset(token, "a third good secret")]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await hasPassword(sql, usrId, password)).toBe(true);
  });

  it("of four at once, one succeeds", async () => {
    const usrId = await addUser(sql);
    for (let round = 0; round < 10; round += 1) {
      const tokens = await Promise.all([1, 2, 3, 4].map(() => addLink(sql, "reset", usrId)));
      const responses = await Promise.all(tokens.map((token) => reset(token)));
      expect(responses.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([303, 410, 410, 410]);
    }
  });
});

describe("a reset during a log-in with the old password", () => {
  it("leaves no live session of the old password", async () => {
    const logIn = () => site.post("/login").type("form").send(ada);
    for (const isLogInFirst of [true, false]) {
      await empty(sql);
      const usrId = await addUser(sql);
      const token = await addLink(sql, "reset", usrId);
      const requests = [logIn, () => reset(token)];
      const responses = await race(sql, usrId, isLogInFirst ? requests : requests.toReversed());

      expect(await hasPassword(sql, usrId, password)).toBe(true);
      for (const response of responses) {
        const [cookie = ""] = response.get("Set-Cookie") ?? [];
        await site.get("/account").set("Cookie", cookie).expect(303);
      }
    }
  });
});

describe("a reset while the address is verified", () => {
  const verify = (token: string) => site.post("/verify").type("form").send({ token, password: "a third good secret" });
  const addUnverified = async () => {
    const usrId = await addUser(sql, ada, false);
    return { usrId, resetLink: await addLink(sql, "reset", usrId), verifyLink: await addLink(sql, "verify", usrId) };
  };

  it.each([
    ["ends its link when it comes second", "verify"],
    ["leaves nothing to verify when it comes first", "reset"],
  ])("%s", async (_, first) => {
    const { usrId, resetLink, verifyLink } = await addUnverified();
    await sql`insert into log_in_failure (email, failures) values (${ada.email}, 3)`;
    const requests = [() => verify(verifyLink), () => reset(resetLink)];
    const responses = await race(sql, usrId, first === "verify" ? requests : requests.toReversed());

    expect(responses.map(({ status }) => status)).toEqual(first === "verify" ? [303, 410] : [303, 200]);
    expect(await hasPassword(sql, usrId, first === "verify" ? "a third good secret" : password)).toBe(true);
  });

  it("never deadlocks", async () => {
    for (let round = 0; round < 20; round += 1) {
      await empty(sql);
      const { resetLink, verifyLink } = await addUnverified();
      await sql`insert into log_in_failure (email, failures) values (${ada.email}, 3)`;
      const responses = await Promise.all([reset(resetLink), verify(verifyLink), reset(resetLink), verify(verifyLink)]);
      expect(responses.filter(({ status }) => status === 303)).toHaveLength(1);
      expect(responses.filter(({ status }) => status >= 500)).toEqual([]);
    }
    expect(await sql`select deadlocks from pg_stat_database where datname = current_database()`).toEqual([
      { deadlocks: "0" },
    ]);
  });
});

describe("a reset while the account is deleted", () => {
  it("gets 410 after the deletion, and refuses the deletion when it comes first", async () => {
    const usrId = await addUser(sql);
    const token = await addLink(sql, "reset", usrId);
    const cookie = await openSession(sql, usrId);
    const leave = () => site.post("/account/delete").set("Cookie", cookie).type("form").send({});
    const responses = await race(sql, usrId, [leave, () => reset(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await tasks()).toEqual([{ task_type: "SEND_EMAIL_FAREWELL" }]);

    const second = await addUser(sql);
    const link = await addLink(sql, "reset", second);
    const browser = await openSession(sql, second);
    const again = await race(sql, second, [
      () => reset(link),
      () => site.post("/account/delete").set("Cookie", browser).type("form").send({}),
    ]);
    expect(again.map(({ headers }) => headers.location)).toEqual(["/login?reset", "/login?ended"]);
  });
});
