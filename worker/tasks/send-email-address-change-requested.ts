import { siteName } from "../../app/env.ts";
import type { MakeLink } from "../mail/email-link.ts";
import { noticeHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the old address that a change was asked for. Nothing has changed yet. */
export function sendEmailAddressChangeRequested(makeLink: MakeLink, mailer: Mailer): Handler {
  return noticeHandler(makeLink, mailer, {
    view: "address-change-requested",
    subject: `Someone asked to change your email address at ${siteName}`,
  });
}
