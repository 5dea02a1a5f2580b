import type { Sql } from "../app/db.ts";
import type { Mailer } from "./mailer.ts";
import type { Handler } from "./task.ts";
import { pruneHistory } from "./tasks/prune-history.ts";
import { sendEmailAlreadyRegistered } from "./tasks/send-email-already-registered.ts";
import { sendEmailWelcome } from "./tasks/send-email-welcome.ts";

/** Every task type that this worker knows. Types that are not here wait, with no attempt burnt. */
export function createHandlers(sql: Sql, mailer: Mailer): Record<string, Handler> {
  return {
    SEND_EMAIL_WELCOME: sendEmailWelcome(sql, mailer),
    SEND_EMAIL_ALREADY_REGISTERED: sendEmailAlreadyRegistered(sql, mailer),
    PRUNE_HISTORY: pruneHistory(sql),
  };
}
