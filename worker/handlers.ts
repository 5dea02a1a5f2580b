import type { Sql } from "../app/db/connect.ts";
import type { WorkerEnv } from "../app/env.ts";
import type { Log } from "../app/log.ts";
import { consumers } from "./events/consumers.ts";
import { createMakeLink } from "./mail/email-link.ts";
import { nameCauses } from "./mail/mail-cause.ts";
import { createMailLimits } from "./mail/mail-limits.ts";
import type { Mailer } from "./mail/mailer.ts";
import type { Handler } from "./engine/task.ts";
import type { Module, Parts } from "./module.ts";
import * as modules from "./modules.ts";
import { deleteUnverified } from "./tasks/delete-unverified.ts";
import { pruneEvents } from "./tasks/prune-events.ts";
import { pruneExpired } from "./tasks/prune-expired.ts";
import { pruneHistory } from "./tasks/prune-history.ts";
import { remindUnverified } from "./tasks/remind-unverified.ts";
import { sendEmailAddressChangeRequested } from "./tasks/send-email-address-change-requested.ts";
import { sendEmailAddressChanged } from "./tasks/send-email-address-changed.ts";
import { sendEmailAlreadyRegistered } from "./tasks/send-email-already-registered.ts";
import { sendEmailConfirmAddress } from "./tasks/send-email-confirm-address.ts";
import { sendEmailFarewell } from "./tasks/send-email-farewell.ts";
import { sendEmailLogInBlocked } from "./tasks/send-email-log-in-blocked.ts";
import { sendEmailNewBrowser } from "./tasks/send-email-new-browser.ts";
import { sendEmailPasswordChanged } from "./tasks/send-email-password-changed.ts";
import { sendEmailPasswordReset } from "./tasks/send-email-password-reset.ts";
import { sendEmailReminder } from "./tasks/send-email-reminder.ts";
import { sendEmailWelcome } from "./tasks/send-email-welcome.ts";

/** All task types of this worker: the core's, then the modules'. Tasks of other types wait and lose no attempt. */
export function createHandlers(sql: Sql, transport: Mailer, env: WorkerEnv, log: Log): Record<string, Handler> {
  const parts = createParts(sql, transport, env);
  const { mailer, limitMails, makeLink } = parts;
  const ofModules = Object.values<Module>(modules).map((module) => module.createHandlers?.({ ...parts, env }) ?? {});
  const signUpMailer = limitMails("sign-up mail");
  return {
    // A stranger can cause these by entering any address.
    SEND_EMAIL_WELCOME: sendEmailWelcome(makeLink, signUpMailer),
    SEND_EMAIL_REMINDER: sendEmailReminder(sql, makeLink, signUpMailer),
    SEND_EMAIL_ALREADY_REGISTERED: sendEmailAlreadyRegistered(sql, signUpMailer),
    SEND_EMAIL_CONFIRM_ADDRESS: sendEmailConfirmAddress(sql, signUpMailer),
    SEND_EMAIL_PASSWORD_RESET: sendEmailPasswordReset(makeLink, limitMails("reset mail")),
    // One an hour is enough: the link in the first one ends what caused the others.
    SEND_EMAIL_NEW_BROWSER: sendEmailNewBrowser(makeLink, limitMails("new browser mail", 1)),
    SEND_EMAIL_ADDRESS_CHANGE_REQUESTED: sendEmailAddressChangeRequested(
      makeLink,
      limitMails("address change mail", 1),
    ),
    // These follow an act of the owner, or a block, which happens once. A stranger must not be able to delay them.
    SEND_EMAIL_PASSWORD_CHANGED: sendEmailPasswordChanged(sql, mailer),
    SEND_EMAIL_LOG_IN_BLOCKED: sendEmailLogInBlocked(sql, mailer),
    SEND_EMAIL_ADDRESS_CHANGED: sendEmailAddressChanged(sql, mailer),
    SEND_EMAIL_FAREWELL: sendEmailFarewell(mailer),
    REMIND_UNVERIFIED: remindUnverified(env.TZ_MAIL),
    DELETE_UNVERIFIED: deleteUnverified(sql),
    PRUNE_EVENTS: pruneEvents(sql, log, followed),
    PRUNE_EXPIRED: pruneExpired(sql),
    PRUNE_HISTORY: pruneHistory(sql),
    ...Object.fromEntries(ofModules.flatMap(Object.entries<Handler>)),
  };
}

/** What handlers are made of. It connects to nothing before a task runs. */
export function createParts(sql: Sql, transport: Mailer, env: Pick<WorkerEnv, "TZ_MAIL">): Parts {
  const mailer = nameCauses(sql, transport, env.TZ_MAIL);
  return { sql, mailer, limitMails: createMailLimits(sql, mailer), makeLink: createMakeLink(sql) };
}

const followed = consumers.map(({ name }) => name);
