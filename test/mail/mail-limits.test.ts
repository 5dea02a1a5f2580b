import { beforeEach, describe, expect, it } from "vitest";
import { Snooze } from "../../worker/engine/errors.ts";
import { createMailLimits } from "../../worker/mail/mail-limits.ts";
import type { Mailer } from "../../worker/mail/mailer.ts";
import { isEmpty } from "../support/engine.ts";
import { startMailing } from "../support/account-mails.ts";
import { ada, addUser } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { addEmailChange } from "../support/email-changes.ts";
import { mailTask } from "../support/mail-to.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const mailing = await startMailing(database);

beforeEach(() => mailing.empty());

const tagged = (n: number) => ({ ...ada, email: `ada+${n}@example.com` });
const useUp = (kind: string, subject: string) =>
  sql`insert into rate_limit (action, subject, hits, ends_at) values (${kind}, ${subject}, 3, now() + interval '1 hour')`;
const suppress = (email: string) =>
  sql`insert into email_suppression (email, ends_at) values (${email}, now() + interval '1 hour')`;
const enqueue = (taskType: string, params: object) =>
  mailing.engine.enqueue(taskType, 1, { params: sql.json({ ...params }) });

/** The tasks that wait, once nothing else is pending. */
async function snoozed() {
  await until("nothing is due", async () => (await sql`select from task where run_at <= now()`).length === 0);
  return sql<{ task_type: string; attempt: number }[]>`select task_type, attempt from task order by task_id`;
}
const isSent = () => until("the mail is sent", () => isEmpty(sql));

describe("mails to one mailbox", () => {
  it("are three an hour; the others wait until the hour ends, and then go", async () => {
    for (let n = 0; n < 5; n += 1) {
      await enqueue("SEND_EMAIL_WELCOME", { usr_id: await addUser(sql, tagged(n), false) });
    }
    const waiting = { task_type: "SEND_EMAIL_WELCOME", attempt: 0 };
    expect(await snoozed()).toEqual([waiting, waiting]);
    expect(mailing.mails).toHaveLength(3);
    expect(
      await sql`
        select action, subject, run_at >= ends_at and run_at < ends_at + interval '11 seconds' as is_at_the_end
        from task
        cross join rate_limit
      `,
    ).toEqual(Array.from({ length: 2 }, () => ({ action: "sign-up mail", subject: ada.email, is_at_the_end: true })));

    await sql`update rate_limit set ends_at = now()`;
    await sql`update task set run_at = now()`;
    mailing.engine.wake();
    await isSent();
    expect(new Set(mailing.mails.flatMap(({ recipients }) => recipients)).size).toBe(5);
    expect(await sql`select from task_error`).toEqual([]);
  });

  it("are counted together when a stranger can cause them with a signup or a change of address", async () => {
    const usr_id = await addUser(sql, tagged(1), false);
    await useUp("sign-up mail", ada.email);
    await enqueue("SEND_EMAIL_WELCOME", { usr_id });
    await enqueue("SEND_EMAIL_REMINDER", { usr_id });
    const owner = await addUser(sql, { ...ada, email: "grace@example.com" });
    await enqueue("SEND_EMAIL_CONFIRM_ADDRESS", await addEmailChange(sql, owner, tagged(2).email));
    expect(await snoozed()).toHaveLength(3);

    await enqueue("SEND_EMAIL_PASSWORD_RESET", { usr_id });
    await until("the reset mail is sent", () => mailing.mails.length === 1);
    expect(await snoozed()).toHaveLength(3);
  });

  it("wait while the mailbox is suppressed, even a retry", async () => {
    const usr_id = await addUser(sql, tagged(1), false);
    await suppress(ada.email);
    await enqueue("SEND_EMAIL_WELCOME", { usr_id });
    await enqueue("SEND_EMAIL_PASSWORD_RESET", { usr_id });
    await mailing.engine.enqueue("SEND_EMAIL_REMINDER", 1, { params: sql.json({ usr_id }), attempt: 2 });
    expect((await snoozed()).map(({ attempt }) => attempt)).toEqual([0, 0, 2]);
    expect(mailing.mails).toEqual([]);
    expect(await sql`select min(run_at) >= ends_at as is_after from task, email_suppression group by ends_at`).toEqual([
      { is_after: true },
    ]);

    await sql`update email_suppression set ends_at = now()`;
    await sql`update task set run_at = now()`;
    mailing.engine.wake();
    await isSent();
    expect(mailing.mails).toHaveLength(3);
  });
});

describe("mails to a verified owner", () => {
  it.each([
    ["SEND_EMAIL_ALREADY_REGISTERED", "sign-up mail"],
    ["SEND_EMAIL_PASSWORD_RESET", "reset mail"],
  ])("%s has a count of its own, which no +tag uses up", async (taskType, kind) => {
    const usr_id = await addUser(sql);
    await useUp(kind, ada.email);
    for (let time = 0; time < 4; time += 1) await enqueue(taskType, { usr_id });
    expect(await snoozed()).toHaveLength(1);
    expect(mailing.mails).toHaveLength(3);
  });

  it("are counted anew when the version is raised: who moved the account uses up no mail of its owner", async () => {
    const usr_id = await addUser(sql, { ...ada, email: "thief@example.com" });
    for (let time = 0; time < 4; time += 1) await enqueue("SEND_EMAIL_PASSWORD_RESET", { usr_id });
    expect(await snoozed()).toHaveLength(1);
    await sql`update usr set email = ${ada.email}, version = version + 1`;
    await enqueue("SEND_EMAIL_PASSWORD_RESET", { usr_id });
    await until("the owner gets the mail", () => mailing.mails.length === 4);
    expect(mailing.mails[3]!.recipients).toEqual([ada.email]);
  });

  it("ignore the suppression of the mailbox", async () => {
    const usr_id = await addUser(sql);
    await suppress(ada.email);
    await enqueue("SEND_EMAIL_PASSWORD_RESET", { usr_id });
    await isSent();
    expect(mailing.mails).toHaveLength(1);
  });

  it.each(["SEND_EMAIL_NEW_BROWSER", "SEND_EMAIL_ADDRESS_CHANGE_REQUESTED"])(
    "%s is sent once an hour; the next one waits, and comes then",
    async (taskType) => {
      const usr_id = await addUser(sql);
      for (let time = 0; time < 3; time += 1) await enqueue(taskType, { usr_id, version: 0 });
      expect(await snoozed()).toHaveLength(2);
      expect(mailing.mails).toHaveLength(1);

      await sql`update rate_limit set ends_at = now()`;
      await sql`update task set run_at = now()`;
      mailing.engine.wake();
      await until("the second mail is sent", () => mailing.mails.length === 2);
      expect(await snoozed()).toHaveLength(1);
    },
  );

  it.each(["SEND_EMAIL_PASSWORD_CHANGED", "SEND_EMAIL_LOG_IN_BLOCKED"])("%s has no limit", async (taskType) => {
    const usr_id = await addUser(sql);
    for (const kind of ["sign-up mail", "reset mail"]) await useUp(kind, `${usr_id} 0`);
    for (let time = 0; time < 4; time += 1) await enqueue(taskType, { usr_id });
    await isSent();
    expect(mailing.mails).toHaveLength(4);
  });
});

describe("a mail with a limit", () => {
  const sent: string[] = [];
  let isRefused = false;
  const inner: Mailer = {
    async send(_, { to }) {
      if (isRefused) throw new Snooze(60, "The mail server still refuses this recipient.");
      await Promise.resolve(sent.push(to));
    },
    close() {},
  };
  const mailer = createMailLimits(sql, inner)("sign-up mail");
  beforeEach(() => {
    sent.length = 0;
    isRefused = false;
  });

  const send = (task_id: string, attempt = 1, to = ada.email) =>
    mailer.send(
      { task: { ...mailTask, task_id, attempt }, signal: new AbortController().signal },
      { view: "", subject: "", to },
    );
  const hits = async () => (await sql<{ hits: number }[]>`select hits from rate_limit`).map((row) => row.hits);

  it("is allowed for the oldest three tasks of five that start together", async () => {
    const outcomes = await Promise.allSettled(
      ["5", "4", "3", "2", "1"].map((id) => send(id, 1, `ada+${id}@example.com`)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      "rejected",
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(sent.toSorted()).toEqual(["ada+1@example.com", "ada+2@example.com", "ada+3@example.com"]);
    expect(await hits()).toEqual([5]);
  });

  it("is counted once when a greylisted attempt is retried", async () => {
    for (const id of ["1", "2", "3"]) await send(id);
    await send("1", 2);
    expect(sent).toHaveLength(4);
    expect(await hits()).toEqual([3]);
  });

  it("is counted once when the mail server was down: the attempt is given back, the error stays", async () => {
    for (const id of ["1", "2", "3"]) await send(id);
    await sql`insert into task_error (task_id, attempt, error) values (1, 1, 'connection refused')`;
    await send("1");
    expect(sent).toHaveLength(4);
    expect(await hits()).toEqual([3]);
  });

  it("is not counted when the mailer snoozes it: nothing was sent", async () => {
    isRefused = true;
    for (const time of [1, 2, 3, 4])
      await expect(send("1"), `time ${time}`).rejects.toMatchObject({ delaySeconds: 60 });
    // A retry was counted before, and stays counted.
    await sql`update rate_limit set hits = 1`;
    await expect(send("2", 2)).rejects.toMatchObject({ delaySeconds: 60 });
    expect(await hits()).toEqual([1]);

    isRefused = false;
    await send("1");
    expect(await hits()).toEqual([2]);
  });

  it("is not counted while its mailbox is suppressed", async () => {
    await suppress(ada.email);
    for (const id of ["1", "1", "1"]) await expect(send(id)).rejects.toMatchObject({ kind: "snooze" });
    expect(await hits()).toEqual([]);
  });

  it("throws a snooze until the end of the hour when it is one too many", async () => {
    for (const id of ["1", "2", "3"]) await send(id);
    const snooze = await send("4").catch((error: unknown) => error);
    expect(snooze).toMatchObject({ kind: "snooze" });
    const { delaySeconds } = snooze as { delaySeconds: number };
    expect(delaySeconds).toBeGreaterThan(3500);
    expect(delaySeconds).toBeLessThan(3611);
    await send("5", 1, "grace@example.com");
  });
});

describe("mailbox_of", () => {
  it.each([
    ["ada+news@example.com", "ada@example.com"],
    ["ada+a+b@example.com", "ada@example.com"],
    ["ada@example.com", "ada@example.com"],
    ["+news@example.com", "+news@example.com"],
    ["ada@ex+ample.com", "ada@ex+ample.com"],
  ])("finds the mailbox of %s", async (email, mailbox) => {
    expect(await sql`select mailbox_of(${email})`).toEqual([{ mailbox_of: mailbox }]);
  });
});
