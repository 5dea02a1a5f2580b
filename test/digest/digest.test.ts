import { beforeEach, describe, expect, it } from "vitest";
import { siteName } from "../../app/env.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import { schedule } from "../../worker/schedule.ts";
import { enqueueDigests } from "../../worker/digest/enqueue-digests.ts";
import { sendEmailDigest } from "../../worker/digest/send-email-digest.ts";
import { addUser } from "../support/accounts.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase } from "../support/database.ts";
import { isEmpty, runEngine } from "../support/engine.ts";
import { testMail } from "../support/mail-views.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";

const database = await createDatabase();
const { sql } = database;
const smtp = await receiveMails();
const mailer = createMailer({
  ORIGIN: "https://signup.example.com",
  SMTP_URL: smtp.url,
  MAIL_FROM: `${siteName} <hello@example.com>`,
  WORKER_CONCURRENCY: 2,
});
cleanUp(() => mailer.close());
// At 18:15 a day ends in Kathmandu.
const zone = new Date().getUTCHours() === 18 ? "Australia/Eucla" : "Asia/Kathmandu";

beforeEach(async () => {
  await sql`truncate usr, operator, task, task_error, event restart identity cascade`;
  smtp.mails.length = 0;
});

async function addOperator(email: string): Promise<string> {
  const usrId = await addUser(sql, { email, password: "twelve engines hum" });
  await sql`insert into operator (usr_id) values (${usrId})`;
  return usrId;
}

/** An event at this distance from the beginning of the operators' current day. */
const happen = (type: string, distance: string) => sql`
  insert into event (event_type, created_at)
  values (${type}, date_trunc('day', now(), ${zone}) + ${distance}::interval)
`;

describe("ENQUEUE_DIGESTS", () => {
  const enqueue = async () => {
    const engine = await runEngine(database, { ENQUEUE_DIGESTS: enqueueDigests(zone) });
    await engine.enqueue("ENQUEUE_DIGESTS");
    await until(
      "it is done",
      async () => (await sql`select from task where task_type = 'ENQUEUE_DIGESTS'`).length === 0,
    );
    return sql`select task_type, params from task order by params ->> 'usr_id'`;
  };

  it("enqueues one mail per operator with the figures of that zone's yesterday", async () => {
    const operators = [await addOperator("ada@example.com"), await addOperator("bob@example.com")];
    await addUser(sql, { email: "user@example.com", password: "twelve engines hum" });
    for (const distance of ["-1 microsecond", "-1 day"]) await happen("SIGNED_UP", distance);
    for (const distance of ["0", "-1 day -1 microsecond"]) await happen("SIGNED_UP", distance);
    for (const type of ["EMAIL_VERIFIED", "MAIL_SENT", "MAIL_SENT", "MAIL_SENT", "TASK_DEAD", "LOGGED_IN"])
      await happen(type, "-2 hours");

    const [yesterday] = await sql<{ day: string }[]>`select ((now() at time zone ${zone})::date - 1)::text as day`;
    const figures = { ...yesterday, signed_up: 2, verified: 1, mails_sent: 3, tasks_dead: 1 };
    expect(await enqueue()).toEqual(
      operators.map((usr_id) => ({ task_type: "SEND_EMAIL_DIGEST", params: { ...figures, usr_id } })),
    );
  });

  it("enqueues nothing without operators, and zeros when nothing happened", async () => {
    expect(await enqueue()).toEqual([]);
    await addOperator("ada@example.com");
    expect(await enqueue()).toMatchObject([{ params: { signed_up: 0, verified: 0, mails_sent: 0, tasks_dead: 0 } }]);
  });

  it("is due at eight in that zone", () => {
    expect(schedule({ TZ_MAIL: "UTC", TZ_OPS: zone } as { TZ_MAIL: string })).toContainEqual(
      expect.objectContaining({ task_type: "ENQUEUE_DIGESTS", daily_at: "08:00", time_zone: zone }),
    );
  });
});

describe("SEND_EMAIL_DIGEST", () => {
  const figures = { day: "2026-11-19", signed_up: 1234, verified: 7, mails_sent: 8, tasks_dead: 0 };
  const send = async (usr_id: string) => {
    const engine = await runEngine(database, { SEND_EMAIL_DIGEST: sendEmailDigest(sql, mailer) });
    await engine.enqueue("SEND_EMAIL_DIGEST", 1, { params: sql.json({ ...figures, usr_id }) });
    await until("the task is done", () => isEmpty(sql));
    return smtp.mails;
  };

  it("mails an operator the summary of the day", async () => {
    const [mail] = await send(await addOperator("ada@example.com"));
    expect(mail?.recipients).toEqual(["ada@example.com"]);
    expect(mail?.subject).toBe(`Daily summary of ${siteName}`);
    expect(mail?.text).toMatch(
      /^Thursday,? 19 November 2026\n\nSignups: 1,234\nVerifications: 7\nEmails sent: 8\nDead tasks: 0\n/,
    );
    expect(mail?.text).toContain("https://signup.example.com/ops\n");
    expect(mail?.html).toContain("Signups: 1,234");
  });

  it("sends nothing to a former operator", async () => {
    const usrId = await addOperator("ada@example.com");
    await sql`truncate operator`;
    expect(await send(usrId)).toEqual([]);
  });
});

const figures = { day: "Friday, 20 November 2026", signed_up: "1", verified: "2", mails_sent: "3", tasks_dead: "4" };
testMail("digest", ["/ops"], { path: "/ops", data: figures });
