import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { aboutUser, letterHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Greets the person who signed up, with the link that verifies the address. */
export function sendEmailWelcome(makeLink: MakeLink, mailer: Mailer): Handler {
  return letterHandler(mailer, {
    view: "welcome",
    subject: `Welcome to ${siteName}: verify your email address`,
    params: aboutUser,
    async letter({ usr_id }) {
      const link = await makeLink({ purpose: "verify", hours: 24, usr_id });
      return link && { to: link.email, path: `/verify?token=${link.token}`, data: { token: link.token } };
    },
  });
}
