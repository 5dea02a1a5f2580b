import { beforeEach, describe, expect, it } from "vitest";
import { hashToken } from "../../../app/token.ts";
import { workerEnv } from "../../../app/env.ts";
import { createLog } from "../../../app/log.ts";
import { createHandlers } from "../../../worker/handlers.ts";
import { createMailer } from "../../../worker/mailer.ts";
import { ada, addOwner } from "../../support/accounts.ts";
import { cleanUp } from "../../support/clean-up.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty, runEngine } from "../../support/engine.ts";
import { receiveMails, type Received } from "../../support/smtp.ts";
import { until } from "../../support/until.ts";

const origin = "https://signup.example.com";
const database = await createDatabase();
const { sql } = database;
const smtp = await receiveMails();
const env = workerEnv({
  DATABASE_URL: database.url,
  ORIGIN: origin,
  SMTP_URL: smtp.url,
  MAIL_FROM: "slim-signup <hello@example.com>",
  WORKER_CONCURRENCY: "2",
});
const mailer = createMailer(env);
cleanUp(() => mailer.close());
const engine = await runEngine(database, createHandlers(sql, mailer, env, createLog("silent", "worker")));

let usrId: string;
beforeEach(async () => {
  // The engine stays, and so does its row in worker.
  await sql`truncate usr, task, task_error, task_dead, throttle, mail_stop, event restart identity cascade`;
  smtp.mails.length = 0;
  usrId = await addOwner(sql);
});

async function mailsOf(taskType: string, params: object) {
  await engine.owe(taskType, 1, { params: sql.json({ ...params }) });
  await until("the task is done", () => isEmpty(sql));
  expect(await sql`select error from task_error`).toEqual([]);
  // What is told of it in the feed: whose mail it was, where there is still somebody.
  const usr_id = taskType === "SEND_EMAIL_FAREWELL" ? null : usrId;
  expect(await sql`select event_type, usr_id, data from event`).toEqual(
    smtp.mails.map(() => ({ event_type: "MAIL_SENT", usr_id, data: { task_type: taskType, task_id: "1" } })),
  );
  return smtp.mails;
}

const newEmail = "countess@example.com";
async function addChange(columns: object = {}): Promise<{ email_change_id: string }> {
  const row = { usr_id: usrId, old_email: ada.email, new_email: newEmail, ...columns };
  const [change] = await sql<{ email_change_id: string }[]>`
    insert into email_change ${sql(row)} returning email_change_id
  `;
  return change!;
}

/** The one link of a mail that carries a token, which is stored as its hash alone. */
async function linkIn(mail: Partial<Pick<Received, "text" | "html">> | undefined) {
  const [, path, token = ""] =
    /https:\/\/signup\.example\.com(\/\S+)\?token=([\w-]{43})$/m.exec(mail?.text ?? "") ?? [];
  expect(mail?.html).toContain(`href="${origin}${path}?token=${token}"`);
  const [row] = await sql`
    select purpose, usr_id, email, extract(epoch from expires_at - created_at)::int / 3600 as hours
    from email_token
    where token_hash = ${hashToken(token)}
  `;
  return { path, row };
}

describe("SEND_EMAIL_PASSWORD_RESET", () => {
  it("sends the owner a link for an hour", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_PASSWORD_RESET", { usr_id: usrId });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe("Choose a new password");
    expect(await linkIn(mail)).toEqual({
      path: "/password/reset",
      row: { purpose: "reset", usr_id: usrId, email: ada.email, hours: 1 },
    });
  });

  it("sends nobody anything for an address that is nobody's", async () => {
    expect(await mailsOf("SEND_EMAIL_PASSWORD_RESET", { usr_id: "0" })).toEqual([]);
  });

  it("waits for who deletes the account at this moment, and then ends quietly", async () => {
    const gate = Promise.withResolvers<void>();
    const deleted = Promise.withResolvers<void>();
    const deletion = sql.begin(async (tx) => {
      await tx`with gone as (delete from usr returning usr_id) delete from email_verified using gone`;
      deleted.resolve();
      await gate.promise;
    });
    await deleted.promise;
    await engine.owe("SEND_EMAIL_PASSWORD_RESET", 1, { params: sql.json({ usr_id: usrId }) });
    await until("it waits", async () => {
      const waiting = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      `;
      return waiting.length > 0;
    });
    gate.resolve();
    await deletion;
    await until("the task is done", () => isEmpty(sql));
    expect(smtp.mails).toEqual([]);
    expect(await sql`select error from task_error`).toEqual([]);
  });
});

describe("SEND_EMAIL_PASSWORD_CHANGED", () => {
  it("tells the owner, and what to do if it was another", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_PASSWORD_CHANGED", { usr_id: usrId });
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe("Your password at slim-signup was changed");
    expect(mail?.text).toContain(
      "It was not you? Then choose a new password at once:\nhttps://signup.example.com/password/forgot",
    );
    expect(mail?.html).toContain(`href="${origin}/password/forgot"`);
  });
});

describe("SEND_EMAIL_CONFIRM_ADDRESS", () => {
  it("asks at the new address, for a day", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", await addChange());
    expect(mail?.recipients).toEqual([newEmail]);
    expect(mail?.subject).toBe("Confirm your new address at slim-signup");
    expect(mail?.text).not.toContain(ada.email);
    expect(await linkIn(mail)).toEqual({
      path: "/account/email/confirm",
      row: { purpose: "change", usr_id: usrId, email: newEmail, hours: 24 },
    });
  });

  it("asks nobody who wants no mail by now", async () => {
    await sql`insert into mail_stop (email, ends_at) values (${newEmail}, now() + interval '1 hour')`;
    expect(await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", await addChange())).toEqual([]);
  });

  it.each([
    ["is confirmed", { confirmed_at: new Date() }],
    ["was asked for under another address", { old_email: "older@example.com" }],
  ])("asks nobody when the change %s", async (_, columns) => {
    expect(await mailsOf("SEND_EMAIL_CONFIRM_ADDRESS", await addChange(columns))).toEqual([]);
  });
});

describe("SEND_EMAIL_ADDRESS_CHANGED", () => {
  it("tells the old address, with a way back for a day", async () => {
    const change = await addChange({ confirmed_at: new Date() });
    await sql`update usr set email = ${newEmail}`;
    const [mail] = await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", change);
    expect(mail?.recipients).toEqual([ada.email]);
    expect(mail?.subject).toBe("Your account at slim-signup has a new address");
    expect(mail?.text).not.toContain(newEmail);
    expect(await linkIn(mail)).toEqual({
      path: "/account/email/revert",
      row: { purpose: "revert", usr_id: usrId, email: ada.email, hours: 24 },
    });
  });

  it("does so even when the account has moved on since", async () => {
    const change = await addChange({ confirmed_at: new Date() });
    await sql`update usr set email = 'third@example.com'`;
    expect(await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", change)).toHaveLength(1);
  });

  it("gives no way back to a change that was undone", async () => {
    expect(await mailsOf("SEND_EMAIL_ADDRESS_CHANGED", { email_change_id: "7" })).toEqual([]);
  });
});

describe("SEND_EMAIL_FAREWELL", () => {
  it("goes to the address in the task: the account is gone", async () => {
    const [mail] = await mailsOf("SEND_EMAIL_FAREWELL", { email: "gone@example.com" });
    expect(mail?.recipients).toEqual(["gone@example.com"]);
    expect(mail?.subject).toBe("Your account at slim-signup is gone");
    expect(mail?.text).toContain("our last mail to you");
  });
});

it.each([
  ["SEND_EMAIL_PASSWORD_RESET", { usr_id: "404" }],
  ["SEND_EMAIL_PASSWORD_CHANGED", { usr_id: "404" }],
  ["SEND_EMAIL_CONFIRM_ADDRESS", { email_change_id: "404" }],
  ["SEND_EMAIL_ADDRESS_CHANGED", { email_change_id: "404" }],
])("%s ends quietly when its user is gone", async (taskType, params) => {
  expect(await mailsOf(taskType, params)).toEqual([]);
  expect(await sql`select from email_token`).toHaveLength(0);
});
