import { siteName } from "../../app/env.ts";
import { noticeHandler } from "../mail/mail-handler.ts";
import { defineModule } from "../module.ts";
import { prunePasskeys } from "./prune-passkeys.ts";

/** Mails owners about their passkeys, and deletes what has ended. */
export const passkeys = defineModule({
  createHandlers({ sql, limitMails, makeLink }) {
    // One of each kind in an hour. The next ones wait.
    const notice = (view: string, subject: string) =>
      noticeHandler(makeLink, limitMails(`${view} mail`, 1), { view, subject });
    return {
      SEND_EMAIL_PASSKEY_ADDED: notice("passkeys/added", `A passkey was added to your account at ${siteName}`),
      SEND_EMAIL_PASSKEY_REMOVED: notice("passkeys/removed", `A passkey was removed from your account at ${siteName}`),
      SEND_EMAIL_PASSKEY_REFUSED: notice("passkeys/refused", `We blocked a passkey of your account at ${siteName}`),
      PRUNE_PASSKEYS: prunePasskeys(sql),
    };
  },

  schedule: () => [{ name: "prune passkeys", task_type: "PRUNE_PASSKEYS", every_minutes: 10 }],
});
