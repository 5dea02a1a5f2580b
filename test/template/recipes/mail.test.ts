import { expect, it } from "vitest";
import { siteName } from "../../../app/env.ts";
import { ada, addUser } from "../../support/accounts.ts";
import { createDatabase } from "../../support/database.ts";
import { isEmpty } from "../../support/engine.ts";
import { receiveMails } from "../../support/smtp.ts";
import { until } from "../../support/until.ts";
import { runWorker } from "../../support/worker.ts";

const { sql, url } = await createDatabase();

it("arrives at the user with its subject, text and link", async () => {
  const smtp = await receiveMails();
  const usr_id = await addUser(sql);
  await sql`insert into task (task_type, params) values ('SEND_EMAIL_GREETING', ${sql.json({ usr_id })})`;
  runWorker(url, smtp.url);
  await until("it is sent", () => isEmpty(sql));

  const [mail] = smtp.mails;
  const subject = `Greetings from ${siteName}`;
  expect(mail).toMatchObject({ recipients: [ada.email], subject });
  for (const text of [mail!.text, mail!.html]) {
    expect(text).toContain("We are glad that you are here.");
    expect(text).toContain("https://signup.example.com/account");
  }
  expect(await sql`select usr_id, data ->> 'subject' as subject from event`).toEqual([{ usr_id, subject }]);
});
