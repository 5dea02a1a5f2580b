import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { newToken } from "../../app/token.ts";
import { id, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Asks at the new address whether it is the owner's. Nothing is left to ask when the account, or its address, is gone, or
 * its owner wants no mail by now. */
export function sendEmailConfirmAddress(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "confirm-address",
    subject: `Confirm your new address at ${siteName}`,
    params: z.object({ email_change_id: id }),
    async letter({ email_change_id }) {
      const { token, hash } = newToken();
      // Locked in the order of all: a user who is deleted at this moment is waited for, and then not found.
      const [made] = await sql<{ to: string; usr_id: string }[]>`
        insert into email_token (token_hash, purpose, usr_id, email, email_change_id, expires_at)
        select ${hash}, 'change', usr.usr_id, new_email, email_change_id, now() + interval '24 hours'
        from email_change
        join usr on usr.usr_id = email_change.usr_id and usr.email = old_email
        where email_change_id = ${email_change_id} and confirmed_at is null
          and not exists (
            select from email_suppression where email_suppression.email = mailbox_of(new_email) and email_suppression.ends_at > now()
          )
        for key share of usr, email_change
        returning email as to, usr_id
      `;
      return made && { ...made, path: `/account/email/confirm?token=${token}` };
    },
  });
}
