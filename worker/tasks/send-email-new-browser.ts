import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { noticeHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the owner of a log-in from a browser that the account has not used. */
export function sendEmailNewBrowser(makeLink: MakeLink, mailer: Mailer): Handler {
  return noticeHandler(makeLink, mailer, {
    view: "new-browser",
    subject: `New log-in to your account at ${siteName}`,
  });
}
