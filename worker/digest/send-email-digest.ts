import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { id, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

const number = z.int().nonnegative();
const params = z.object({
  usr_id: id,
  day: z.iso.date(),
  signed_up: number,
  verified: number,
  mails_sent: number,
  tasks_dead: number,
});

const dayInWords = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" });
const inWords = (count: number) => count.toLocaleString("en");

/** Mails an operator the summary of a day. A former operator gets nothing. */
export function sendEmailDigest(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "digest",
    subject: `Daily summary of ${siteName}`,
    params,
    async letter({ usr_id, day, signed_up, verified, mails_sent, tasks_dead }) {
      const [operator] = await sql<{ to: string }[]>`
        select email as to
        from operator
        join usr using (usr_id)
        where usr_id = ${usr_id}
      `;
      if (!operator) return undefined;
      const data = {
        day: dayInWords.format(new Date(day)),
        signed_up: inWords(signed_up),
        verified: inWords(verified),
        mails_sent: inWords(mails_sent),
        tasks_dead: inWords(tasks_dead),
      };
      return { ...operator, path: "/ops", data };
    },
  });
}
