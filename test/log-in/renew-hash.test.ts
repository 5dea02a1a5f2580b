import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { createPasswords } from "../../app/password/password.ts";
import { ada, addUser, hasPassword, openSession, passwords, sessionOf } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const risen = createPasswords({ cost: { memoryCost: 16, timeCost: 2, parallelism: 1 } });
const site = request(await serveApp(sql, { passwords: risen }));

let usrId: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
});

const logIn = (form: object = ada, to = site) => to.post("/login").type("form").send(form);
const account = (cookie = "") => site.get("/account").set("Cookie", cookie);
const hashNow = async () => (await sql<{ password_hash: string }[]>`select password_hash from usr`)[0]?.password_hash;

describe("POST /login, when the parameters of the hash have risen", () => {
  it("renews the hash, and ends no session", async () => {
    const elsewhere = await openSession(sql, usrId);
    const response = await logIn().expect(303);

    expect(await hashNow()).toContain("$m=16,t=2,p=1$");
    expect(await hasPassword(sql, usrId, ada.password)).toBe(true);
    await account(sessionOf(response)).expect(200);
    await account(elsewhere).expect(200);

    const renewed = await hashNow();
    await logIn().expect(303);
    expect(await hashNow()).toBe(renewed);
  });

  it("revives no session that a change of the password has ended", async () => {
    const ended = await openSession(sql, usrId);
    await sql`update usr set version = version + 1`;
    await logIn().expect(303);
    expect(await hashNow()).toContain("$m=16,");
    await account(ended).expect(303);
  });

  it("keeps the hash when the password is wrong", async () => {
    await logIn({ ...ada, password: "not my own password" }).expect(422);
    expect(await hashNow()).toContain("$m=8,t=1,p=1$");
  });

  it("begins lasting sessions for eight log-ins at once", async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => logIn()));
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(303));
    for (const response of responses) await account(sessionOf(response)).expect(200);
    expect(await hashNow()).toContain("$m=16,");
  });

  it("keeps a password that is changed meanwhile", async () => {
    const changing = {
      ...risen,
      async hash(...given: Parameters<typeof risen.hash>) {
        await sql`update usr set password_hash = 'new', version = version + 1`;
        return risen.hash(...given);
      },
    };
    const response = await logIn(ada, request(await serveApp(sql, { passwords: changing }))).expect(303);
    expect(await hashNow()).toBe("new");
    await account(sessionOf(response)).expect(303);
  });

  it("logs in even if the hash cannot be renewed", async () => {
    const busy = { ...risen, hash: () => Promise.reject(new Error("The queue is full.")) };
    const response = await logIn(ada, request(await serveApp(sql, { passwords: busy }))).expect(303);
    await account(sessionOf(response)).expect(200);
  });
});

describe("POST /login, when the parameters have fallen", () => {
  it("keeps the hash: an older release may run beside a newer one", async () => {
    await logIn().expect(303);
    await logIn(ada, request(await serveApp(sql, { passwords }))).expect(303);
    expect(await hashNow()).toContain("$m=16,t=2,p=1$");
  });
});
