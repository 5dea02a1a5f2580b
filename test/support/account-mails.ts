import { expect } from "vitest";
import type { Sql } from "../../app/db/connect.ts";
import { siteName, workerEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import { hashToken } from "../../app/token.ts";
import { createHandlers } from "../../worker/handlers.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import { cleanUp } from "./clean-up.ts";
import { isEmpty, runEngine } from "./engine.ts";
import { receiveMails, type Received } from "./smtp.ts";
import { until } from "./until.ts";

const origin = "https://signup.example.com";

/** The worker's handlers with an SMTP server of the test. It serves one test after the other. */
export async function startMailing(database: { sql: Sql; url: string }) {
  const { sql } = database;
  const { mails, url } = await receiveMails();
  const env = workerEnv([], {
    DATABASE_URL: database.url,
    ORIGIN: origin,
    SMTP_URL: url,
    MAIL_FROM: `${siteName} <hello@example.com>`,
    WORKER_CONCURRENCY: "2",
    TZ_MAIL: "Europe/Berlin",
  });
  const mailer = createMailer(env);
  cleanUp(() => mailer.close());
  const engine = await runEngine(database, createHandlers(sql, mailer, env, createLog("silent", "worker")));

  return {
    engine,
    mails,
    async empty() {
      // The engine keeps running, so its row in worker stays.
      await sql`truncate usr, task, task_error, task_dead, rate_limit, email_suppression, mail_cause, event restart identity cascade`;
      mails.length = 0;
    },
    /** The mails of one task, after checking that each has its event with the user, if the user still exists. */
    async mailsOf(taskType: string, params: object, usr_id: string | null) {
      await engine.enqueue(taskType, 1, { params: sql.json({ ...params }) });
      await until("the task is done", () => isEmpty(sql));
      expect(await sql`select error from task_error`).toEqual([]);
      expect(await sql`select event_type, usr_id, data from event`).toEqual(
        mails.map(({ subject }) => ({
          event_type: "MAIL_SENT",
          usr_id,
          data: { task_type: taskType, task_id: "1", subject },
        })),
      );
      return mails;
    },
  };
}

/** The one link of a mail with a token. Only the hash of the token is stored. */
export async function linkIn(sql: Sql, mail: Partial<Pick<Received, "text" | "html">> | undefined) {
  const [, path, token = ""] =
    /https:\/\/signup\.example\.com(\/\S+)\?token=([\w-]{43})$/m.exec(mail?.text ?? "") ?? [];
  expect(mail?.html).toContain(`href="${origin}${path}?token=${token}"`);
  const [row] = await sql`
    select purpose, usr_id, usr_version, email, extract(epoch from expires_at - created_at)::int / 3600 as hours
    from email_token
    where token_hash = ${hashToken(token)}
  `;
  return { path, row };
}
