import type { Sql } from "../../app/db.ts";
import { siteName } from "../../app/env.ts";
import { mailHandler } from "../mail-handler.ts";
import type { Mailer } from "../mailer.ts";
import type { Handler } from "../task.ts";

/** Greets the person who signed up. */
export function sendEmailWelcome(sql: Sql, mailer: Mailer): Handler {
  return mailHandler(sql, mailer, { view: "welcome", subject: `Welcome to ${siteName}` });
}
