import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { ada, addLink, addUser, openSession, passwords } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addEmailChange, requestEmailChange } from "../support/email-changes.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
const site = request(await serveApp(sql, { passwords }));

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const chosen = "another good secret";

let usrId: string;
let cookie: string;
beforeEach(async () => {
  await empty(sql);
  usrId = await addUser(sql);
  cookie = await openSession(sql, usrId);
});

type Act = [taskType: string, path: string, fields: () => Promise<object>];
const acts: Act[] = [
  ["SEND_EMAIL_PASSWORD_CHANGED", "/account/password", async () => ({ new_password: chosen })],
  [
    "SEND_EMAIL_PASSWORD_CHANGED",
    "/password/reset",
    async () => ({ token: await addLink(sql, "reset", usrId), password: chosen }),
  ],
  ["SEND_EMAIL_PASSWORD_RESET", "/password/forgot", async () => ada],
  ["SEND_EMAIL_PASSWORD_RESET", "/account/secure", async () => ({ token: await addLink(sql, "secure", usrId) })],
  [
    "SEND_EMAIL_PASSWORD_RESET",
    "/account/email/revert",
    async () => {
      const change = await addEmailChange(sql, usrId, ada.email, { old_email: "old@example.com" });
      return { token: await addLink(sql, "revert", usrId, { ...change, email: "old@example.com" }) };
    },
  ],
  ["SEND_EMAIL_ADDRESS_CHANGE_REQUESTED", "/account/email", async () => ({ email: "new@example.com" })],
  [
    "SEND_EMAIL_ADDRESS_CHANGED",
    "/account/email/confirm",
    async () => ({ token: await requestEmailChange(sql, usrId, "new@example.com") }),
  ],
  ["SEND_EMAIL_FAREWELL", "/account/delete", async () => ({})],
  [
    "SEND_EMAIL_LOG_IN_BLOCKED",
    "/login",
    async () => {
      await sql`insert into log_in_failure (email, failures) values (${ada.email}, 50)`;
      return { ...ada, password: "wrong" };
    },
  ],
  [
    "SEND_EMAIL_NEW_BROWSER",
    "/login",
    async () => {
      await sql`insert into known_browser (token_hash, usr_id, usr_version) values (sha256('x'), ${usrId}, 0)`;
      return ada;
    },
  ],
];

describe("a mail about security", () => {
  it.each(acts)("%s names the browser and the network of POST %s", async (taskType, path, fields) => {
    await site
      .post(path)
      .set({ Cookie: cookie, "User-Agent": firefox, "X-Forwarded-For": "2001:db8::7" })
      .type("form")
      .send(await fields());
    expect(
      await sql`
        select task_type, mail_cause.usr_id, browser, network, mail_cause.created_at = task.created_at as is_at_once
        from task
        join mail_cause on mail_cause_id = (params ->> 'mail_cause_id')::bigint
      `,
    ).toEqual([
      {
        task_type: taskType,
        usr_id: usrId,
        browser: "Firefox on Linux",
        network: "2001:db8:0:0::/64",
        is_at_once: true,
      },
    ]);
  });

  it("has the same row for an address without an account, with user 0", async () => {
    await site.post("/password/forgot").type("form").send({ email: "nobody@example.com" });
    await sql`insert into log_in_failure (email, failures) values ('nobody@example.com', 50)`;
    await site
      .post("/login")
      .type("form")
      .send({ ...ada, email: "nobody@example.com" });
    expect(await sql`select usr_id from mail_cause`).toEqual([{ usr_id: "0" }, { usr_id: "0" }]);
  });

  it("has no row left of a deleted account but that of its last mail", async () => {
    await site.post("/account/password").set("Cookie", cookie).type("form").send({ new_password: chosen });
    await sql`select mail_params(${Number(usrId) + 1}, 'Edge', '198.51.100.2')`;
    cookie = await openSession(sql, usrId);
    await site.post("/account/delete").set("Cookie", cookie).type("form").send({}).expect(303);
    const [last] = await sql<{ id: string }[]>`
      select params ->> 'mail_cause_id' as id from task where task_type = 'SEND_EMAIL_FAREWELL'
    `;
    expect(await sql`select mail_cause_id from mail_cause where usr_id = ${usrId}`).toEqual([
      { mail_cause_id: last!.id },
    ]);
    expect(await sql`select from mail_cause`).toHaveLength(2);
  });
});
