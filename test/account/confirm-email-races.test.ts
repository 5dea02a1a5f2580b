import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { takeAddress } from "../../app/account/take-address.ts";
import { ada, addLink, addUser, race, openSession, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { requestEmailChange, emailOf } from "../support/email-changes.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const newEmail = "countess@example.com";
let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId);
});

const requestChange = (email = newEmail, columns = {}) => requestEmailChange(sql, usrId, email, columns);
const confirm = (token: unknown, as = cookie) =>
  site.post("/account/email/confirm").set("Cookie", as).type("form").send({ token });
const logOutEverywhere = () => site.post("/account/sessions/end-all").set("Cookie", cookie);
const email = () => emailOf(sql, usrId);

describe("a confirmation that races", () => {
  it("with itself works once", async () => {
    const token = await requestChange();
    const responses = await race(sql, usrId, [() => confirm(token), () => confirm(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await sql`select from task`).toHaveLength(1);
  });

  it("with itself works once while an unverified account has the address", async () => {
    for (let time = 0; time < 10; time += 1) {
      await addUser(sql, { email: newEmail, password: ada.password }, false);
      const token = await requestChange();
      const responses = await Promise.all([confirm(token), confirm(token)]);
      // The loser's link is used, or its session has a new token already: 410, or on to the log-in.
      expect(responses.filter(({ headers }) => headers["location"] === "/account?email-changed")).toHaveLength(1);
      expect(responses.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
      await empty(sql);
      usrId = await addUser(sql);
      cookie = await openSession(sql, usrId);
    }
  });

  it("with the end of its link keeps the unverified account that has the address", async () => {
    const otherId = await addUser(sql, { email: newEmail, password: ada.password }, false);
    let moves = 0;
    const isMoved = await takeAddress(sql, await requestChange(), async (tx) => {
      moves += 1;
      if (moves === 2) return false;
      await tx`update usr set email = ${newEmail} where usr_id = ${usrId}`;
      return true;
    });
    expect({ isMoved, moves }).toEqual({ isMoved: false, moves: 2 });
    expect(await emailOf(sql, otherId)).toBe(newEmail);
  });

  it("with that of another address: the first wins", async () => {
    const [one, two] = [await requestChange(), await requestChange("third@example.com")];
    const responses = await race(sql, usrId, [() => confirm(one), () => confirm(two)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(newEmail);
  });

  it("with a reset before it gets 410", async () => {
    const token = await requestChange();
    const link = await addLink(sql, "reset", usrId);
    const reset = () =>
      site.post("/password/reset").type("form").send({ token: link, password: "another good secret" });
    const responses = await race(sql, usrId, [reset, () => confirm(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("gets 410 when a reset's snapshot shows neither its session nor its link", async () => {
    const link = await addLink(sql, "reset", usrId);
    const reset = () =>
      site.post("/password/reset").type("form").send({ token: link, password: "another good secret" });
    const beginAndConfirm = async () => confirm(await requestChange(), await openSession(sql, usrId));
    const responses = await race(sql, usrId, [reset, beginAndConfirm], sql`for no key update`);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
  });

  it("with the end of all sessions before it changes nothing, and the link still works", async () => {
    const token = await requestChange();
    const responses = await race(sql, usrId, [logOutEverywhere, () => confirm(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 410]);
    expect(await email()).toBe(ada.email);
    expect(await sql`select purpose from email_token`).toEqual([{ purpose: "change" }]);
  });

  it("with the end of all sessions after it ends the renewed session too", async () => {
    const token = await requestChange();
    const responses = await race(sql, usrId, [() => confirm(token), logOutEverywhere]);
    expect(responses.map(({ status }) => status)).toEqual([303, 303]);
    expect(await email()).toBe(newEmail);
    expect(await sql`select from session`).toEqual([]);
  });

  it.each(["before", "after"])(
    "with a log-in by the old address %s it leaves no session of the old address",
    async (order) => {
      const token = await requestChange();
      const logIn = () => site.post("/login").type("form").send(ada);
      const both = [logIn, () => confirm(token)];
      const responses = await race(sql, usrId, order === "before" ? both : both.toReversed());
      expect(responses.map(({ status }) => status)).toEqual(order === "before" ? [303, 303] : [303, 422]);

      const opened = responses.map((response) => sessionOf(response) ?? "");
      const statuses = await Promise.all(
        opened.map(async (session) => (await site.get("/account").set("Cookie", session)).status),
      );
      expect(statuses).toEqual(order === "before" ? [303, 200] : [200, 303]);
    },
  );

  it("with a signup for that address takes it, because the signup is not verified", async () => {
    const token = await requestChange();
    let confirmation: Promise<request.Response> | undefined;
    await sql.begin(async (tx) => {
      await tx`insert into usr (email, password_hash) values (${newEmail}, 'none')`;
      confirmation = confirm(token).then((response) => response);
      await until("it waits for the address", async () => {
        const waiting = await sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        `;
        return waiting.length === 1;
      });
    });
    expect((await confirmation)?.status).toBe(303);
    expect(await sql`select usr_id, email from usr`).toEqual([{ usr_id: usrId, email: newEmail }]);
  });

  it("with a failure after the holder's deletion deletes nobody", async () => {
    await addUser(sql, { ...ada, email: newEmail }, false);
    const token = await requestChange();
    await sql`alter table event add constraint no_change check (event_type <> 'EMAIL_CHANGED') not valid`;
    await confirm(token).expect(500);
    await sql`alter table event drop constraint no_change`;
    expect(await sql`select email from usr order by usr_id`).toEqual([{ email: ada.email }, { email: newEmail }]);
    await confirm(token).expect(303);
    expect(await sql`select email from usr`).toEqual([{ email: newEmail }]);
  });

  it("with the verification of that address by another account leaves it there", async () => {
    const holder = await addUser(sql, { ...ada, email: newEmail }, false);
    const token = await requestChange();
    const link = await addLink(sql, "verify", holder);
    const verify = () => site.post("/verify").type("form").send({ token: link, password: "another good secret" });
    const responses = await race(sql, holder, [verify, () => confirm(token)]);
    expect(responses.map(({ status }) => status)).toEqual([303, 409]);
    expect(await sql`select usr_id, email from usr order by usr_id`).toEqual([
      { usr_id: usrId, email: ada.email },
      { usr_id: holder, email: newEmail },
    ]);
  });
});
