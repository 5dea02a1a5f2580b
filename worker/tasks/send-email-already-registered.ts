import type { Sql } from "../../app/db/connect.ts";
import { siteName } from "../../app/env.ts";
import { mailHandler } from "../mail/mail-handler.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { Handler } from "../engine/task.ts";

/** Informs the owner that someone signed up with their address. The page must not show that there is an account. */
export function sendEmailAlreadyRegistered(sql: Sql, mailer: Mailer): Handler {
  return mailHandler(sql, mailer, {
    view: "already-registered",
    subject: `You already have an account at ${siteName}`,
  });
}
