import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { linkIn, startMailing } from "../support/account-mails.ts";
import { ada, addUser } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const mailing = await startMailing(database);

let usrId: string;
beforeEach(async () => {
  await mailing.empty();
  usrId = await addUser(sql);
});

/** What the statement of an endpoint enqueues. */
async function paramsOf(usr_id: string) {
  const [row] = await sql<{ params: object }[]>`
    select mail_params(${usr_id}, 'Firefox on Linux', '203.0.113.7') as params
  `;
  return row!.params;
}

describe.each([
  [
    "SEND_EMAIL_PASSKEY_ADDED",
    `A passkey was added to your account at ${siteName}`,
    "Someone added a passkey to your account",
  ],
  [
    "SEND_EMAIL_PASSKEY_REMOVED",
    `A passkey was removed from your account at ${siteName}`,
    "Someone removed a passkey from your account",
  ],
  ["SEND_EMAIL_PASSKEY_REFUSED", `We blocked a passkey of your account at ${siteName}`, "There may be a copy of it"],
])("%s", (taskType, subject, text) => {
  it("tells the owner what happened, when and from where, with a link that secures the account", async () => {
    const [mail] = await mailing.mailsOf(taskType, await paramsOf(usrId), usrId);
    expect(mail).toMatchObject({ recipients: [ada.email], subject });
    expect(mail?.text).toContain(text);
    expect(mail?.text).toMatch(
      /Time: \d+ \w+ \d{4} at [\d:]+ [A-Z]+\nBrowser: Firefox on Linux\nNetwork: 203.0.113.7\n/,
    );
    expect(mail?.html).toContain("Browser: Firefox on Linux");
    expect(await linkIn(sql, mail)).toMatchObject({
      path: "/account/secure",
      row: { purpose: "secure", usr_version: 0 },
    });
  });

  it("sends one in an hour; the next one waits", async () => {
    await mailing.mailsOf(taskType, await paramsOf(usrId), usrId);
    await mailing.engine.enqueue(taskType, 1, { params: sql.json({ ...(await paramsOf(usrId)) }) });
    await until("the task waits", async () => {
      const waiting = await sql`select from task where run_at > now() + interval '50 minutes'`;
      return waiting.length === 1;
    });
    expect(mailing.mails).toHaveLength(1);
  });

  it("sends nothing when the account is gone", async () => {
    expect(await mailing.mailsOf(taskType, { usr_id: "999" }, "999")).toEqual([]);
  });
});
