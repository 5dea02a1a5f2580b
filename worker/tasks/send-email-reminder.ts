import type { Sql } from "../../app/db/connect.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Asks once more to verify the address. Who has done it meanwhile is left in peace. */
export function sendEmailReminder(sql: Sql, makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "reminder",
    subject: "Your address is not verified yet",
    params: aboutUser,
    async letter({ usr_id }) {
      const [verified] = await sql`
        select
        from email_verified
        where usr_id = ${usr_id}
      `;
      if (verified) return undefined;
      const link = await makeLink({ purpose: "verify", hours: 24, usr_id });
      return link && { to: link.email, path: `/verify?token=${link.token}`, data: { token: link.token } };
    },
  });
}
