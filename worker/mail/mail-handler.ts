import { z } from "zod";
import type { Sql } from "../../app/db.ts";
import type { Mailer } from "./mailer.ts";
import { defineHandler, equalJitter, type Handler } from "../task.ts";

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
    backoffSeconds: overOneDay,
    // Twice is better than never, and mail programs show one Message-ID once.
    afterUnknown: "retry",

    async run(attempt) {
      const found = await letter(attempt.params);
      if (!found) return;
      await mailer.send(attempt, { view, subject, ...found });
      const { task_id, task_type } = attempt.task;
      const { usr_id = found.usr_id } = someUser.parse(attempt.params);
      attempt.tell({ event_type: "MAIL_SENT", usr_id, data: { task_type, task_id } });
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

/** 1 min, 14 min, 3 h, 46 h, and half of that at least: greylisting passes, a day's outage is survived. */
function overOneDay(attempt: number): number {
  return equalJitter(60 * 14 ** (attempt - 1));
}
