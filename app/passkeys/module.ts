import { parseBody } from "../http/body.ts";
import { defineModule } from "../http/module.ts";
import { rateLimit } from "../http/rate-limit.ts";
import { requireProof } from "../log-in/proof.ts";
import { requireLogin } from "../log-in/session.ts";
import { addPasskey, offerPasskey, showAddPasskey } from "./add-passkey.ts";
import { logInByPasskey, offerLogIn } from "./log-in-by-passkey.ts";
import { offerProof, proveByPasskey } from "./prove-by-passkey.ts";
import { hasPasskey, passkeyData, readPasskeys } from "./read-passkeys.ts";
import { relyingParty } from "./relying-party.ts";
import { removePasskey } from "./remove-passkey.ts";
import { renamePasskey, showRenamePasskey } from "./rename-passkey.ts";

/** Passkeys: on the account page, as a log-in without a password, and as a proof. */
export const passkeys = defineModule({
  start({ sql, log, origin }) {
    const site = relyingParty(origin);
    if (!site) {
      log.warn({ origin }, "no passkeys: they need an https origin with a host name, or localhost");
      return {};
    }
    const loggedIn = requireLogin(sql);
    const proved = requireProof();
    // Each challenge is a row for 5 minutes.
    const challenges = rateLimit(sql, { action: "ask for a passkey", limit: 60, minutes: 5 });
    const uses = rateLimit(sql, { action: "use a passkey", limit: 20, minutes: 3 });

    return {
      parts: {
        "log-in/log-in": { view: "passkeys/log-in" },
        "log-in/proof": { view: "passkeys/proof", read: hasPasskey(sql) },
        "account/account": { view: "passkeys/passkeys", read: readPasskeys(sql) },
      },
      findData: passkeyData(sql),
      eventWords: { PASSKEY_ADDED: "A passkey was added", PASSKEY_REMOVED: "A passkey was removed" },

      addRoutes(router) {
        router.post("/login/passkey/options", challenges, offerLogIn(sql, site));
        // A page that shows a failure is reloaded by GET.
        router.get("/login/passkey", (ctx) => ctx.redirect("/login"));
        router.get("/proof/passkey", (ctx) => ctx.redirect("/proof"));
        router.post("/login/passkey", parseBody(), uses, logInByPasskey(sql, site));
        router.post("/proof/passkey/options", loggedIn, challenges, offerProof(sql, site));
        router.post("/proof/passkey", loggedIn, parseBody(), uses, proveByPasskey(sql, site));

        router.get("/account/passkeys/add", loggedIn, proved, showAddPasskey());
        router.post("/account/passkeys/add/options", loggedIn, proved, challenges, offerPasskey(sql, site));
        router.post("/account/passkeys/add", loggedIn, proved, parseBody(), uses, addPasskey(sql, site));
        router.get("/account/passkeys/:id/rename", loggedIn, showRenamePasskey(sql));
        router.post("/account/passkeys/:id/rename", loggedIn, parseBody(), renamePasskey(sql));
        router.post("/account/passkeys/:id/remove", loggedIn, proved, parseBody(), removePasskey(sql));
      },
    };
  },
});
