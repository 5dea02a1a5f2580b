import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import type { Mailer } from "./mailer.ts";
import { defineHandler, equalJitter, type Handler } from "../engine/task.ts";

export type Letter = {
  to: string;
  /** Whose mail it is, where the params don't say. */
  usr_id?: string;
  /** Where the mail's button leads, on our site; "/" when it is left out. */
  path?: string;
  /** Further locals of the views. */
  data?: Record<string, string>;
};

type Options<Params> = {
  view: string;
  subject: string;
  params: z.ZodType<Params>;
  /** What to send to whom; nothing when nobody is left to write to: then the task is done. */
  letter: (params: Params) => Promise<Letter | undefined>;
};

export const id = z.union([z.string().regex(/^\d{1,18}$/), z.int().positive()]).transform(String);
export const aboutUser = z.object({ usr_id: id });
const someUser = aboutUser.partial();

/** A handler that sends one mail. */
export function letterHandler<Params>(mailer: Mailer, options: Options<Params>): Handler {
  const { view, subject, params, letter } = options;
  return defineHandler({
    params,
    maxAttempts: 5,
    timeoutSeconds: 60,
    backoffSeconds,
    // Twice is better than never, and mail programs show one Message-ID once.
    afterUnknown: "retry",

    async run(attempt) {
      const found = await letter(attempt.params);
      if (!found) return;
      await mailer.send(attempt, { view, subject, ...found });
      const { task_id, task_type } = attempt.task;
      const { usr_id = found.usr_id } = someUser.parse(attempt.params);
      attempt.emit({ event_type: "MAIL_SENT", usr_id, data: { task_type, task_id } });
    },
  });
}

/** A handler that sends one user one mail that says nothing of the user but the address. */
export function mailHandler(sql: Sql, mailer: Mailer, mail: { view: string; subject: string }): Handler {
  return letterHandler(mailer, {
    ...mail,
    params: aboutUser,
    async letter({ usr_id }) {
      const [user] = await sql<{ to: string }[]>`
        select email as to
        from usr
        where usr_id = ${usr_id}
      `;
      return user;
    },
  });
}

/**
 * Seconds before the next attempt: 20 s, 5.5 min, 3 h, 46 h, less jitter. Greylisting ends after 300 s, whether it began with the
 * first attempt or the second; the third is 315 to 350 s after the first. The last one comes after a day's outage.
 */
function backoffSeconds(attempt: number): number {
  if (attempt === 1) return equalJitter(20);
  if (attempt === 2) return 305 + 25 * Math.random();
  return equalJitter(attempt === 3 ? 3 * 3600 : 46 * 3600);
}
