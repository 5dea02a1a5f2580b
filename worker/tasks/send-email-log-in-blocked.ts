import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { mailHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the owner that too many wrong passwords were entered, and says how to log in anyway. */
export function sendEmailLogInBlocked(sql: Sql, mailer: Mailer): Handler {
  return mailHandler(sql, mailer, {
    view: "log-in-blocked",
    subject: `Too many wrong passwords for your account at ${siteName}`,
    path: "/password/forgot",
  });
}
