import { z } from "zod";
import { letterHandler } from "../../worker/mail/mail-handler.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import { cleanUp } from "./clean-up.ts";
import { createDatabase } from "./database.ts";
import { enqueue, runEngine } from "./engine.ts";
import type { ScriptedSmtp } from "./smtp-dialogue.ts";

/** A database and an engine for one type of mail. The task's params name the recipient. */
export async function prepareMails(server: ScriptedSmtp, concurrency: number) {
  const database = await createDatabase();
  const mailer = createMailer({
    ORIGIN: "https://signup.example.com",
    SMTP_URL: server.url,
    MAIL_FROM: "hello@example.com",
    WORKER_CONCURRENCY: concurrency,
  });
  cleanUp(() => mailer.close());
  const MAIL = letterHandler(mailer, {
    view: "already-registered",
    subject: "Welcome",
    params: z.object({ to: z.string() }),
    letter: ({ to }) => Promise.resolve({ to: `${to}@people.example` }),
  });
  const { sql } = database;
  return {
    sql,
    MAIL,
    enqueueTo: (to: string) => enqueue(sql, "MAIL", 1, { params: sql.json({ to }) }),
    start: (handler = MAIL) => runEngine(database, { MAIL: handler }, { concurrency }),
  };
}
