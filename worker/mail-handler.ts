import { z } from "zod";
import type { Sql } from "../app/db.ts";
import type { Mailer } from "./mailer.ts";
import { defineHandler, equalJitter, type Handler } from "./task.ts";

const userId = z.union([z.string().regex(/^\d{1,18}$/), z.int().positive()]).transform(String);

/** A handler that sends one user one mail. */
export function mailHandler(sql: Sql, mailer: Mailer, mail: { view: string; subject: string }): Handler {
  return defineHandler({
    params: z.object({ usr_id: userId }),
    maxAttempts: 5,
    timeoutSeconds: 60,
    backoffSeconds: overOneDay,
    // Twice is better than never, and mail programs show one Message-ID once.
    afterUnknown: "retry",

    async run({ params, task, signal }) {
      const [user] = await sql<{ email: string }[]>`
        select email
        from usr
        where usr_id = ${params.usr_id}
      `;
      // Gone since: nobody is left to write to.
      if (!user) return;
      await mailer.send({ task, signal }, { ...mail, to: user.email });
    },
  });
}

/** 1 min, 14 min, 3 h, 46 h, and half of that at least: greylisting passes, a day's outage is survived. */
function overOneDay(attempt: number): number {
  return equalJitter(60 * 14 ** (attempt - 1));
}
