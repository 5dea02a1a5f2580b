import type { Router } from "@koa/router";
import { showAccount } from "./account/account.ts";
import { changeEmail, showChangeEmail, showChangeEmailSent } from "./account/change-email.ts";
import { confirmEmail, showConfirmEmail } from "./account/confirm-email.ts";
import { deleteAccount, showAccountDeleted, showDeleteAccount } from "./account/delete-account.ts";
import { downloadData } from "./account/download-data.ts";
import { endSession, logOutEverywhere } from "./account/end-session.ts";
import { revertEmail, showEmailReverted, showRevertEmail } from "./account/revert-email.ts";
import { secureAccount, showAccountSecured, showSecureAccount } from "./account/secure-account.ts";
import type { Sql } from "./db/connect.ts";
import { serveAsset, serveFavicon } from "./http/assets.ts";
import { parseBody } from "./http/body.ts";
import type { State } from "./http/context.ts";
import { page } from "./http/page.ts";
import { rateLimit } from "./http/rate-limit.ts";
import { redirectToChangePassword, showHealth, showReadiness, showSecurityContact } from "./http/well-known.ts";
import { checkPassword, logIn, showLogIn, triedAddress } from "./log-in/log-in.ts";
import { logOut } from "./log-in/log-out.ts";
import { prove, requireProof, showProof } from "./log-in/proof.ts";
import { requireLogin } from "./log-in/session.ts";
import { changePassword, showChangePassword } from "./password/change-password.ts";
import { forgotPassword, showForgotPassword, showForgotPasswordSent } from "./password/forgot-password.ts";
import type { Passwords } from "./password/password.ts";
import { resetPassword, showResetPassword } from "./password/reset-password.ts";
import { refuseSignUp, showRefuseSignUp, showSignUpRefused } from "./sign-up/refuse-sign-up.ts";
import { showSignUpSent } from "./sign-up/sign-up-sent.ts";
import { showSignUp, signUp } from "./sign-up/sign-up.ts";
import { resend, showResend } from "./sign-up/verify-resend.ts";
import { showVerify, verify } from "./sign-up/verify.ts";

type Options = {
  sql: Sql;
  passwords: Passwords;
  origin: string;
  securityContact: string | undefined;
};

/** The site map: every path, what it requires, and the file that handles it. */
export function addRoutes(router: Router<State>, options: Options): void {
  const { sql, passwords, origin, securityContact } = options;
  const loggedIn = requireLogin(sql);
  const proved = requireProof();
  const loggedInForLink = requireLogin(sql, "/login?link");
  // One count for both: each sends a mail to an address that the client enters.
  const mailRequests = rateLimit(sql, { action: "request mail", limit: 20, minutes: 60 });

  router.get("/", (ctx) => page(ctx, "home", { title: "Welcome" }));

  router.get("/signup", showSignUp());
  router.post(
    "/signup",
    parseBody(),
    rateLimit(sql, { action: "sign up", limit: 20, minutes: 60 }),
    signUp(sql, passwords),
  );
  router.get("/signup/sent", showSignUpSent());
  router.get("/signup/refuse", showRefuseSignUp(sql));
  router.post("/signup/refuse", parseBody(), refuseSignUp(sql));
  router.get("/signup/refused", showSignUpRefused());
  router.get("/verify", showVerify(sql));
  router.post("/verify", parseBody(), verify(sql, passwords));
  router.get("/verify/resend", showResend());
  router.post("/verify/resend", parseBody(), mailRequests, resend(sql));

  router.get("/login", showLogIn());
  router.post(
    "/login",
    parseBody(),
    rateLimit(sql, { action: "log in", limit: 10, minutes: 3 }),
    rateLimit(sql, {
      action: checkPassword,
      limit: 5,
      minutes: 15,
      subject: triedAddress,
      isClearedByPassword: true,
    }),
    logIn(sql, passwords),
  );
  router.post("/logout", logOut(sql));
  router.get("/proof", loggedIn, showProof());
  router.post(
    "/proof",
    loggedIn,
    parseBody(),
    rateLimit(sql, {
      action: "check password in session",
      limit: 5,
      minutes: 15,
      subject: (ctx) => ctx.state.user.session_id,
      isClearedByPassword: true,
    }),
    prove(sql, passwords),
  );

  router.get("/password/forgot", showForgotPassword());
  router.post(
    "/password/forgot",
    parseBody(),
    rateLimit(sql, { action: "forgot password", limit: 20, minutes: 60 }),
    forgotPassword(sql),
  );
  router.get("/password/forgot/sent", showForgotPasswordSent());
  router.get("/password/reset", showResetPassword(sql));
  router.post("/password/reset", parseBody(), resetPassword(sql, passwords));
  router.get("/account/password", loggedIn, proved, showChangePassword());
  router.post("/account/password", loggedIn, proved, parseBody(), changePassword(sql, passwords));

  router.get("/account", loggedIn, showAccount(sql));
  router.get("/account/data", loggedIn, downloadData(sql));
  router.post("/account/sessions/end", loggedIn, parseBody(), endSession(sql));
  router.post("/account/sessions/end-all", loggedIn, logOutEverywhere(sql));
  router.get("/account/email", loggedIn, proved, showChangeEmail());
  router.post("/account/email", loggedIn, proved, parseBody(), mailRequests, changeEmail(sql));
  router.get("/account/email/sent", loggedIn, showChangeEmailSent());
  router.get("/account/email/confirm", loggedInForLink, proved, showConfirmEmail(sql));
  router.post("/account/email/confirm", loggedInForLink, proved, parseBody(), confirmEmail(sql));
  router.get("/account/email/revert", showRevertEmail(sql));
  router.post("/account/email/revert", parseBody(), revertEmail(sql, passwords));
  router.get("/account/email/reverted", showEmailReverted());
  router.get("/account/secure", showSecureAccount(sql));
  router.post("/account/secure", parseBody(), secureAccount(sql));
  router.get("/account/secured", showAccountSecured());
  router.get("/account/delete", loggedIn, proved, showDeleteAccount());
  router.post("/account/delete", loggedIn, proved, parseBody(), deleteAccount(sql));
  router.get("/account/deleted", showAccountDeleted());

  router.get("/healthz", showHealth());
  router.get("/readyz", showReadiness(sql));
  router.get("/assets/:hash/:name", serveAsset());
  router.get("/.well-known/change-password", redirectToChangePassword());
  router.get("/.well-known/security.txt", showSecurityContact(origin, securityContact));
  router.get("/favicon.ico", serveFavicon());
}
