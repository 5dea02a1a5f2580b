import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { signUpBy } from "../support/sign-up.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

beforeEach(() => empty(sql));

const logIn = (cookie = "", form: object = ada) => site.post("/login").set("Cookie", cookie).type("form").send(form);
const browserOf = ({ headers }: request.Response) => /browser=[\w-]{43}/.exec(String(headers["set-cookie"]))![0];
/** Logs in for the first time, from a browser that is known then. */
async function firstBrowser(form: object = ada): Promise<string> {
  const browser = browserOf(await logIn("", form).expect(303));
  await sql`delete from task`;
  return browser;
}
const mails = () => sql`
  select params - 'mail_cause_id' as params from task where task_type = 'SEND_EMAIL_NEW_BROWSER' order by task_id
`;

describe("a log-in from a new browser", () => {
  it("sends the owner a mail, once for each browser", async () => {
    const usr_id = await addUser(sql);
    const first = await firstBrowser();
    const second = browserOf(await logIn().expect(303));
    expect(await mails()).toEqual([{ params: { usr_id, version: 0 } }]);
    await sql`delete from task`;
    for (const browser of [first, second]) await logIn(browser).expect(303);
    expect(await mails()).toEqual([]);
  });

  it("sends a mail when all known browsers of the account are pruned", async () => {
    const usr_id = await addUser(sql);
    await firstBrowser();
    await sql`delete from known_browser`;
    await logIn().expect(303);
    expect(await mails()).toEqual([{ params: { usr_id, version: 0 } }]);
  });

  it("sends none in the browser that verified the address", async () => {
    const { cookie, token } = await signUpBy(site, sql);
    const verified = await site.post("/verify").set("Cookie", cookie).type("form").send({ token }).expect(303);
    await logIn(browserOf(verified)).expect(303);
    expect(await mails()).toEqual([]);
    await logIn().expect(303);
    expect(await mails()).toHaveLength(1);
  });

  it("sends none in the browser that reset the password; all others are new then", async () => {
    const usrId = await addUser(sql);
    const former = await firstBrowser();
    const token = await addLink(sql, "reset", usrId);
    const form = { ...ada, password: "another good secret" };
    const reset = await site.post("/password/reset").type("form").send({ token, password: form.password }).expect(303);
    await logIn(browserOf(reset), form).expect(303);
    expect(await mails()).toEqual([]);
    await logIn(former, form).expect(303);
    expect(await mails()).toEqual([{ params: { usr_id: usrId, version: 1 } }]);
  });

  it("counts a browser that another account has used as new", async () => {
    await addUser(sql);
    await firstBrowser();
    const other = { ...ada, email: "grace@example.com" };
    await addUser(sql, other);
    await logIn(await firstBrowser(other)).expect(303);
    expect(await mails()).toHaveLength(1);
  });

  it("keeps one pending mail for each network: a form sent twice causes one, and none is hidden", async () => {
    await addUser(sql);
    await firstBrowser();
    const from = (network: string) => logIn().set("X-Forwarded-For", network).expect(303);
    await Promise.all([from("198.51.100.7"), from("198.51.100.7")]);
    expect(await mails()).toHaveLength(1);
    await from("203.0.113.9");
    expect(await mails()).toHaveLength(2);
  });

  it("sends none for a wrong password or an unverified address", async () => {
    await addUser(sql);
    const bob = { ...ada, email: "bob@example.com" };
    await addUser(sql, bob, false);
    await logIn("", { ...ada, password: "not my own password" }).expect(422);
    await logIn("", bob).expect(422);
    expect(await mails()).toEqual([]);
  });
});
