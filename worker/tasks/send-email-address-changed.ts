import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { newToken } from "../../app/token.ts";
import { id, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the old address of the change, with a revert link. No mail if the change was reverted: its row is gone. */
export function sendEmailAddressChanged(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "address-changed",
    subject: `Your email address at ${siteName} was changed`,
    params: z.object({ email_change_id: id }),
    async letter({ email_change_id }) {
      const { token, hash } = newToken();
      // Do not compare the account's current address: a thief may have changed it again.
      // The locks wait for a transaction that deletes the user or the change. usr comes first, as everywhere.
      const [made] = await sql<{ to: string; usr_id: string }[]>`
        insert into email_token (token_hash, purpose, usr_id, email, email_change_id, expires_at)
        select ${hash}, 'revert', usr_id, old_email, email_change_id, now() + interval '24 hours'
        from email_change
        join usr using (usr_id)
        where email_change_id = ${email_change_id} and confirmed_at is not null
        for key share of usr, email_change
        returning email as to, usr_id
      `;
      return made && { ...made, path: `/account/email/revert?token=${token}` };
    },
  });
}
