import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { mailHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the owner that the password was changed, and says what to do if someone else changed it. */
export function sendEmailPasswordChanged(sql: Sql, mailer: Mailer): Handler {
  return mailHandler(sql, mailer, {
    view: "password-changed",
    subject: `Your password at ${siteName} was changed`,
    path: "/password/forgot",
  });
}
