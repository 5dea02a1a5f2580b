import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** A link with which whoever reads the mail chooses a new password, for an hour. User 0 is nobody: no mail. */
export function sendEmailPasswordReset(makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "password-reset",
    subject: `Choose a new password for ${siteName}`,
    params: aboutUser,
    async letter({ usr_id }) {
      const link = await makeLink({ purpose: "reset", hours: 1, usr_id });
      return link && { to: link.email, path: `/password/reset?token=${link.token}` };
    },
  });
}
