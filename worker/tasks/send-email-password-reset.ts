import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Sends a link to choose a new password. It works for an hour. User 0 does not exist: no mail. */
export function sendEmailPasswordReset(makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "password-reset",
    subject: `Choose a new password for ${siteName}`,
    params: aboutUser,
    letter: ({ usr_id }) => makeLink("reset", usr_id),
  });
}
