import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addUser, race, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const logIn = (form: object = ada) => site.post("/login").type("form").send(form);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

describe("POST /login", () => {
  it("refuses a password that changed while it was checked", async () => {
    const usrId = await addUser(sql);
    const changing = {
      ...passwords,
      async verify(...given: Parameters<typeof passwords.verify>) {
        await sql`update usr set password_hash = 'new', version = version + 1 where usr_id = ${usrId}`;
        return passwords.verify(...given);
      },
    };
    await request(await serveApp(sql, { passwords: changing }))
      .post("/login")
      .type("form")
      .send(ada)
      .expect(422);
    expect(await sql`select from session`).toEqual([]);
  });

  it("begins a session that ends with the next change of the password", async () => {
    const usrId = await addUser(sql);
    const [response] = await race(sql, usrId, [() => logIn()]);
    await account(sessionOf(response!)).expect(200);
    await sql`update usr set password_hash = 'new', version = version + 1 where usr_id = ${usrId}`;
    await account(sessionOf(response!)).expect(303);
  });

  it("leaves the browser known under the version of a change of password that it waits for", async () => {
    const usrId = await addUser(sql);
    const cookies = ((await logIn()).get("Set-Cookie") ?? []).map((cookie) => cookie.split(";")[0]!).join("; ");
    let answer: Promise<request.Response> | undefined;
    await sql.begin(async (tx) => {
      await tx`update usr set version = version + 1 where usr_id = ${usrId}`;
      await tx`update known_browser set usr_version = usr_version + 1`;
      answer = logIn()
        .set("Cookie", cookies)
        .then((response) => response);
      await until("the log-in waits for the row", async () => {
        const waiting = await sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        `;
        return waiting.length === 1;
      });
    });
    await answer;
    expect(await sql`select from known_browser join usr using (usr_id) where usr_version = version`).toHaveLength(1);
  });

  it("refuses an account that is deleted meanwhile", async () => {
    const usrId = await addUser(sql);
    const deletion = () =>
      sql`with verified as (delete from email_verified) delete from usr where usr_id = ${usrId}`.then(() => undefined);
    const [, response] = await race<request.Response | undefined>(sql, usrId, [deletion, () => logIn()]);
    expect(response?.status).toBe(422);
  });
});
