import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addOwner, meet, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const logIn = (form: object = ada) => site.post("/login").type("form").send(form);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

describe("POST /login", () => {
  it("lets nobody in with a password that changed while it was checked", async () => {
    const usrId = await addOwner(sql);
    const changing = {
      ...passwords,
      async verify(...given: Parameters<typeof passwords.verify>) {
        await sql`update usr set password_hash = 'new' where usr_id = ${usrId}`;
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

  it("lets a session end with the password under which it began in the same moment", async () => {
    const usrId = await addOwner(sql);
    const [answer] = await meet(sql, usrId, [() => logIn()]);
    await account(sessionOf(answer!)).expect(200);
    await sql`update usr set password_hash = 'new' where usr_id = ${usrId}`;
    await account(sessionOf(answer!)).expect(303);
  });

  it("finds nobody when the account is deleted meanwhile", async () => {
    const usrId = await addOwner(sql);
    const deletion = () =>
      sql`with verified as (delete from email_verified) delete from usr where usr_id = ${usrId}`.then(() => undefined);
    const [, answer] = await meet<request.Response | undefined>(sql, usrId, [deletion, () => logIn()]);
    expect(answer?.status).toBe(422);
  });
});
