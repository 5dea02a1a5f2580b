import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { linkIn, startMailing } from "../support/account-mails.ts";
import { ada, addUser } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { addEmailChange } from "../support/email-changes.ts";
import { isEmpty } from "../support/engine.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const mailing = await startMailing(database);

let usrId: string;
beforeEach(async () => {
  await mailing.empty();
  usrId = await addUser(sql);
});

const newEmail = "countess@example.com";
const ask = (columns: object = {}) => addEmailChange(sql, usrId, newEmail, columns);
const cause = async () => {
  const [row] = await sql<{ mail_cause_id: string }[]>`
    insert into mail_cause (usr_id, browser, network, created_at)
    values (${usrId}, 'Firefox on Linux', '198.51.100.7', '2026-10-03T07:05:07Z')
    returning mail_cause_id
  `;
  return row!;
};
const mailsOf = (taskType: string, params: object) => mailing.mailsOf(taskType, params, usrId);

describe("SEND_EMAIL_PASSWORD_RESET", () => {
  it("sends the owner a link for an hour", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_PASSWORD_RESET", { usr_id: usrId });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe(`Choose a new password for ${siteName}`);
    expect(await linkIn(sql, mail)).toEqual({
      path: "/password/reset",
      row: { purpose: "reset", usr_id: usrId, usr_version: 0, email: ada.email, hours: 1 },
    });
  });

  it.each([
    ["secured", "You secured your account"],
    ["reverted", "You restored your email address"],
  ])("says why the old password ended when the account was %s", async (because, words) => {
    const [mail] = await mailsOf("SEND_EMAIL_PASSWORD_RESET", { usr_id: usrId, because });
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain(words);
      expect(part).toContain("Choose a new password to log in again.");
      expect(part).not.toMatch(/asked to reset|stays the same|ignore/);
    }
  });

  it("sends nothing for an unknown address", async () => {
    expect(await mailsOf("SEND_EMAIL_PASSWORD_RESET", { usr_id: "0" })).toEqual([]);
  });

  it("waits while the account is being deleted, and then sends no mail", async () => {
    const gate = Promise.withResolvers<void>();
    const deleted = Promise.withResolvers<void>();
    const deletion = sql.begin(async (tx) => {
      await tx`with gone as (delete from usr returning usr_id) delete from email_verified using gone`;
      deleted.resolve();
      await gate.promise;
    });
    await deleted.promise;
    await mailing.engine.enqueue("SEND_EMAIL_PASSWORD_RESET", 1, { params: sql.json({ usr_id: usrId }) });
    await until("it waits", async () => {
      const waiting = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      `;
      return waiting.length > 0;
    });
    gate.resolve();
    await deletion;
    await until("the task is done", () => isEmpty(sql));
    expect(mailing.mails).toEqual([]);
    expect(await sql`select error from task_error`).toEqual([]);
  });
});

describe("SEND_EMAIL_PASSWORD_CHANGED", () => {
  it("informs the owner, and says what to do if it was someone else", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_PASSWORD_CHANGED", { usr_id: usrId });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe(`Your password at ${siteName} was changed`);
    expect(mail?.text).toContain(
      "If it was not you, choose a new password now:\nhttps://signup.example.com/password/forgot",
    );
    expect(mail?.html).toContain(`href="https://signup.example.com/password/forgot"`);
  });
});

describe("SEND_EMAIL_LOG_IN_BLOCKED", () => {
  it("informs the owner, and says how to log in anyway", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_LOG_IN_BLOCKED", { usr_id: usrId });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe(`Too many wrong passwords for your account at ${siteName}`);
    expect(mail?.text).toContain("You can still log in with a browser that you used before.");
    expect(mail?.text).toContain(
      "choose a new password first. This also ends the block:\nhttps://signup.example.com/password/forgot",
    );
    expect(mail?.html).toContain(`href="https://signup.example.com/password/forgot"`);
  });

  it("sends nothing for an unknown address", async () => {
    expect(await mailsOf("SEND_EMAIL_LOG_IN_BLOCKED", { usr_id: "0" })).toEqual([]);
  });
});

describe.each([
  ["SEND_EMAIL_NEW_BROWSER", `New log-in to your account at ${siteName}`],
  ["SEND_EMAIL_ADDRESS_CHANGE_REQUESTED", `Someone asked to change your email address at ${siteName}`],
])("%s", (taskType, subject) => {
  it("informs the owner, with a link for a day that secures the account", async () => {
    const [mail] = await mailsOf(taskType, { usr_id: usrId, version: 0, ...(await cause()) });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe(subject);
    expect(mail?.text).toContain("If it was not you, secure your account within 24 hours.");
    expect(await linkIn(sql, mail)).toEqual({
      path: "/account/secure",
      row: { purpose: "secure", usr_id: usrId, usr_version: 0, email: ada.email, hours: 24 },
    });
  });

  it("needs no version and no cause: any program may enqueue it", async () => {
    const [mail] = await mailsOf(taskType, { usr_id: usrId });
    expect(mail?.text).not.toContain("Network:");
  });

  it("sends no mail once the version is raised: the link is in another mail, or the account is secured", async () => {
    await sql`update usr set version = 1, email = ${newEmail}`;
    expect(await mailsOf(taskType, { usr_id: usrId, version: 0 })).toEqual([]);
    expect(await sql`select from email_token`).toEqual([]);
  });
});

describe("a mail about security", () => {
  it.each([
    ["SEND_EMAIL_NEW_BROWSER", {}],
    ["SEND_EMAIL_ADDRESS_CHANGE_REQUESTED", {}],
    ["SEND_EMAIL_PASSWORD_RESET", {}],
    ["SEND_EMAIL_PASSWORD_CHANGED", {}],
    ["SEND_EMAIL_LOG_IN_BLOCKED", {}],
    ["SEND_EMAIL_FAREWELL", { email: ada.email }],
    ["SEND_EMAIL_ADDRESS_CHANGED", { email_change_id: "1" }],
  ])(
    "%s names the time, the browser and the network, and what to do if it was not the owner",
    async (taskType, more) => {
      await ask({ confirmed_at: new Date() });
      await mailing.engine.enqueue(taskType, 1, { params: sql.json({ usr_id: usrId, ...(await cause()), ...more }) });
      const { text = "", html = "" } = await until("the mail is sent", () => mailing.mails[0]);
      expect(text).toContain(
        "\nTime: 3 October 2026 at 09:05:07 CEST\nBrowser: Firefox on Linux\nNetwork: 198.51.100.7\n\n",
      );
      expect(html).toContain(
        "Time: 3 October 2026 at 09:05:07 CEST<br>Browser: Firefox on Linux<br>Network: 198.51.100.7</p>",
      );
      for (const part of [text, html]) expect(part).toContain("If it was not you,");
    },
  );

  it("goes out without a cause that was pruned or is no number", async () => {
    for (const mail_cause_id of ["404", "x", null])
      await mailing.engine.enqueue("SEND_EMAIL_PASSWORD_CHANGED", 1, {
        params: sql.json({ usr_id: usrId, mail_cause_id }),
      });
    await until("the mails are sent", () => mailing.mails.length === 3);
    for (const { text } of mailing.mails) expect(text).not.toContain("Network:");
  });
});

describe("SEND_EMAIL_CONFIRM_ADDRESS", () => {
  it("asks at the new address, for a day", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", await ask());
    expect(mail?.recipients).toEqual([newEmail]);
    expect(mail?.subject).toBe(`Confirm your new email address at ${siteName}`);
    expect(mail?.text).not.toContain(ada.email);
    expect(await linkIn(sql, mail)).toEqual({
      path: "/account/email/confirm",
      row: { purpose: "change", usr_id: usrId, usr_version: 0, email: newEmail, hours: 24 },
    });
  });

  it.each([
    ["is confirmed", { confirmed_at: new Date() }],
    ["was asked for under another address", { old_email: "older@example.com" }],
  ])("sends no mail when the change %s", async (_, columns) => {
    expect(await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", await ask(columns))).toEqual([]);
  });

  it("sends no mail once the version is raised: the owner may have secured the account", async () => {
    const change = await ask();
    await sql`update usr set version = 1`;
    expect(await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", { ...change, version: 0 })).toEqual([]);
    expect(await sql`select from email_token`).toEqual([]);
  });
});

describe("SEND_EMAIL_ADDRESS_CHANGED", () => {
  it("informs the old address, with a revert link for a day", async () => {
    const change = await ask({ confirmed_at: new Date() });
    await sql`update usr set email = ${newEmail}`;
    const [mail] = await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", change);
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe(`Your email address at ${siteName} was changed`);
    expect(mail?.text).not.toContain(newEmail);
    expect(await linkIn(sql, mail)).toEqual({
      path: "/account/email/revert",
      row: { purpose: "revert", usr_id: usrId, usr_version: null, email: ada.email, hours: 24 },
    });
  });

  it("does so even when the address has changed again", async () => {
    const change = await ask({ confirmed_at: new Date() });
    await sql`update usr set email = 'third@example.com'`;
    expect(await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", change)).toHaveLength(1);
  });

  it("gives no revert link for a change that was reverted", async () => {
    expect(await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", { email_change_id: "7" })).toEqual([]);
  });
});

describe("SEND_EMAIL_FAREWELL", () => {
  it("goes to the address in the task: the account is gone", async () => {
    const [mail] = await mailing.mailsOf("SEND_EMAIL_FAREWELL", { email: "gone@example.com" }, null);
    expect(mail?.recipients).toEqual(["gone@example.com"]);
    expect(mail?.subject).toBe(`Your account at ${siteName} is deleted`);
    expect(mail?.text).toContain("our last email to you");
  });
});

it.each([
  ["SEND_EMAIL_PASSWORD_RESET", { usr_id: "404" }],
  ["SEND_EMAIL_PASSWORD_CHANGED", { usr_id: "404" }],
  ["SEND_EMAIL_NEW_BROWSER", { usr_id: "404" }],
  ["SEND_EMAIL_CONFIRM_ADDRESS", { email_change_id: "404" }],
  ["SEND_EMAIL_ADDRESS_CHANGED", { email_change_id: "404" }],
])("%s sends no mail when its user is gone", async (taskType, params) => {
  expect(await mailsOf(taskType, params)).toEqual([]);
  expect(await sql`select from email_token`).toHaveLength(0);
});
