import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { newToken } from "../../app/token.ts";
import { id, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/**
 * Asks the new address to confirm the change. No mail once the version of the user has been raised: the owner may have
 * secured the account because of this change.
 */
export function sendEmailConfirmAddress(sql: Sql, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "confirm-address",
    subject: `Confirm your new email address at ${siteName}`,
    params: z.object({ email_change_id: id, version: z.int().optional() }),
    async letter({ email_change_id, version = null }) {
      const { token, hash } = newToken();
      // The locks wait for a transaction that deletes the user, and then find nothing. usr comes first, as everywhere.
      const [made] = await sql<{ to: string; usr_id: string }[]>`
        insert into email_token (token_hash, purpose, usr_id, usr_version, email, email_change_id, expires_at)
        select ${hash}, 'change', usr.usr_id, usr.version, new_email, email_change_id, now() + interval '24 hours'
        from email_change
        join usr on usr.usr_id = email_change.usr_id and usr.email = old_email
        where email_change_id = ${email_change_id} and confirmed_at is null
          and usr.version = coalesce(${version}::int, usr.version)
        for key share of usr, email_change
        returning email as to, usr_id
      `;
      return made && { ...made, path: `/account/email/confirm?token=${token}` };
    },
  });
}
