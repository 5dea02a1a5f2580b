import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, hasPassword, race, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { signUpBy } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const password = "another good secret";
const verify = (body: object, cookie = "") => site.post("/verify").type("form").send(body).set("Cookie", cookie);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);

const signUp = (person = ada) => signUpBy(site, sql, person);

describe("POST /verify, in a race", () => {
  it("lets the first of two new passwords win", async () => {
    const { token, usrId } = await signUp();
    const [first, second] = await race(sql, usrId, [
      () => verify({ token, password }),
      () => verify({ token, password: "a third good secret" }),
    ]);

    expect([first!.status, second!.status]).toEqual([303, 200]);
    expect(sessionOf(second!)).toBeUndefined();
    expect(await hasPassword(sql, usrId, password)).toBe(true);
    expect(await sql`select from session`).toHaveLength(1);
  });

  it("begins one session on two clicks", async () => {
    const { token, usrId, cookie } = await signUp();
    const click = () => verify({ token }, cookie);
    const responses = await race(sql, usrId, [click, click]);
    expect(responses.map(({ status }) => status)).toEqual([303, 200]);
    expect(await sql`select from session`).toHaveLength(1);
  });

  it("wins over a refusal that comes after it", async () => {
    const { token, usrId, cookie } = await signUp();
    const [verification, refusal] = await race(sql, usrId, [
      () => verify({ token }, cookie),
      () => site.post("/signup/refuse").type("form").send({ token }),
    ]);
    expect([verification!.status, refusal!.status]).toEqual([303, 410]);
    await account(sessionOf(verification!)).expect(200);
    expect(await sql`select from email_suppression`).toEqual([]);
  });

  it("changes nothing after a refusal", async () => {
    const { token, usrId, cookie } = await signUp();
    const [refusal, verification] = await race(sql, usrId, [
      () => site.post("/signup/refuse").type("form").send({ token }),
      () => verify({ token }, cookie),
    ]);
    expect([refusal!.status, verification!.status]).toEqual([303, 410]);
    expect(await sql`select from usr`).toEqual([]);
    expect(await sql`select from session`).toEqual([]);
  });
});
