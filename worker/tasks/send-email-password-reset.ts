import { z } from "zod";
import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/**
 * Sends a link to choose a new password. It works for an hour. `because` is the act that ended the old one; without it,
 * somebody asked for the link. User 0 does not exist: no mail.
 */
export function sendEmailPasswordReset(makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "password-reset",
    subject: `Choose a new password for ${siteName}`,
    params: aboutUser.extend({ because: z.enum(["secured", "reverted"]).optional() }),
    async letter({ usr_id, because = "" }) {
      const link = await makeLink("reset", usr_id);
      return link && { ...link, data: { ...link.data, because } };
    },
  });
}
