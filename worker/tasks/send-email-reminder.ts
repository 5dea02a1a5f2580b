import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Asks once more to verify the address. No mail if it is verified by now. */
export function sendEmailReminder(sql: Sql, makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "reminder",
    subject: `Reminder: verify your email address for ${siteName}`,
    params: aboutUser,
    async letter({ usr_id }) {
      const [verified] = await sql`
        select
        from email_verified
        where usr_id = ${usr_id}
      `;
      return verified ? undefined : makeLink("verify", usr_id);
    },
  });
}
