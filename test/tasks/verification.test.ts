import { beforeEach, describe, expect, it } from "vitest";
import { hashToken } from "../../app/token.ts";
import { sendEmailReminder } from "../../worker/tasks/send-email-reminder.ts";
import { sendEmailWelcome } from "../../worker/tasks/send-email-welcome.ts";
import { createMakeLink } from "../../worker/mail/email-link.ts";
import type { Mail } from "../../worker/mail/mailer.ts";
import { addUser } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { perform } from "../support/engine.ts";

const database = await createDatabase();
const { sql } = database;
const makeLink = createMakeLink(sql);
beforeEach(() => empty(sql));

const sent: Mail[] = [];
const mailer = {
  send(_: unknown, mail: Mail) {
    sent.push(mail);
    return Promise.resolve();
  },
  close() {},
};
beforeEach(() => void (sent.length = 0));

const person = (name: string) => ({ email: `${name}@example.com`, password: "twelve engines hum" });

describe("SEND_EMAIL_WELCOME", () => {
  it("makes a link for a day, and stores only its hash", async () => {
    const usr_id = await addUser(sql, person("ada"), false);
    await perform(database, "SEND_EMAIL_WELCOME", sendEmailWelcome(makeLink, mailer), { usr_id });

    const [mail] = sent;
    const token = mail!.path!.split("?token=")[1]!;
    expect(mail).toMatchObject({ to: "ada@example.com", view: "welcome", data: { token } });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(
      await sql`
        select token_hash, purpose, usr_id, email, expires_at - created_at = interval '24 hours' as is_a_day
        from email_token
      `,
    ).toEqual([{ token_hash: hashToken(token), purpose: "verify", usr_id, email: "ada@example.com", is_a_day: true }]);
  });

  it("makes a new link for each attempt, and mails verified users, too", async () => {
    const usr_id = await addUser(sql, person("ada"));
    const welcome = sendEmailWelcome(makeLink, mailer);
    for (let n = 0; n < 2; n += 1) await perform(database, "SEND_EMAIL_WELCOME", welcome, { usr_id });
    expect(await sql`select from email_token`).toHaveLength(2);
    expect(new Set(sent.map(({ path }) => path)).size).toBe(2);
  });

  it("is done without a mail when the user is gone", async () => {
    await perform(database, "SEND_EMAIL_WELCOME", sendEmailWelcome(makeLink, mailer), { usr_id: "0" });
    expect(sent).toEqual([]);
    expect(await sql`select from task_error`).toEqual([]);
  });
});

describe("SEND_EMAIL_REMINDER", () => {
  it("carries a fresh link, unless the address was verified meanwhile", async () => {
    const reminder = sendEmailReminder(sql, makeLink, mailer);
    await perform(database, "SEND_EMAIL_REMINDER", reminder, { usr_id: await addUser(sql, person("ada"), false) });
    await perform(database, "SEND_EMAIL_REMINDER", reminder, { usr_id: await addUser(sql, person("bob")) });
    await perform(database, "SEND_EMAIL_REMINDER", reminder, { usr_id: "999" });

    expect(sent).toEqual([
      expect.objectContaining({
        to: "ada@example.com",
        view: "reminder",
        path: expect.stringMatching(/^\/verify\?token=/) as string,
      }),
    ]);
    expect(await sql`select from email_token`).toHaveLength(1);
  });
});
