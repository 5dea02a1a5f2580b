import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Welcomes a new user, with the link that verifies the address. User 0 does not exist: no mail. */
export function sendEmailWelcome(makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "welcome",
    subject: `Welcome to ${siteName}: verify your email address`,
    params: aboutUser,
    letter: ({ usr_id }) => makeLink("verify", usr_id),
  });
}
