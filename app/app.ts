import { METHODS } from "node:http";
import { Router } from "@koa/router";
import Koa from "koa";
import { showAccount } from "./account/account.ts";
import { serveAsset, serveFavicon } from "./http/assets.ts";
import { parseBody } from "./http/body.ts";
import { changeEmail, showChangeEmail, showChangeEmailSent } from "./account/change-email.ts";
import { changePassword, showChangePassword } from "./password/change-password.ts";
import { confirmEmail, showConfirmEmail } from "./account/confirm-email.ts";
import type { Sql } from "./db/connect.ts";
import { setDeadline } from "./http/deadline.ts";
import { deleteAccount, showAccountDeleted, showDeleteAccount } from "./account/delete-account.ts";
import { downloadData } from "./account/download-data.ts";
import { endSession, logOutEverywhere } from "./account/end-session.ts";
import { answerErrors } from "./http/errors.ts";
import { forgotPassword, showForgotPassword, showForgotPasswordSent } from "./password/forgot-password.ts";
import { setHeaders } from "./http/headers.ts";
import { showHealth, showReadiness } from "./http/health.ts";
import { showHome } from "./http/home.ts";
import type { Middleware, State } from "./http/context.ts";
import { logIn, showLogIn } from "./log-in/log-in.ts";
import { logOut } from "./log-in/log-out.ts";
import type { Log } from "./log.ts";
import { notifyWorkers } from "./db/notify-workers.ts";
import { refuseOtherHosts } from "./http/own-host.ts";
import { createPasswords, type Passwords } from "./password/password.ts";
import { refuseSignUp, showRefuseSignUp, showSignUpRefused } from "./sign-up/refuse-sign-up.ts";
import { addOperations } from "./ops/routes.ts";
import { createMetrics } from "./ops/metrics.ts";
import { logRequests } from "./http/request-log.ts";
import { resetPassword, showResetPassword } from "./password/reset-password.ts";
import { revertEmail, showEmailReverted, showRevertEmail } from "./account/revert-email.ts";
import { refuseOtherSites } from "./http/same-site.ts";
import { requireHttps } from "./http/require-https.ts";
import { requireSession } from "./log-in/session.ts";
import { showSignUpSent } from "./sign-up/sign-up-sent.ts";
import { showSignUp, signUp } from "./sign-up/sign-up.ts";
import { closeUnread } from "./http/unread.ts";
import { redirectToChangePassword, showSecurityContact } from "./http/well-known.ts";
import { resend, showResend } from "./sign-up/verify-resend.ts";
import { showVerify, verify } from "./sign-up/verify.ts";

type Options = {
  sql: Sql;
  log: Log;
  /** Public origin, e.g. `https://example.com`. */
  origin: string;
  /** Number of proxies in front; the client's address is counted from the right of X-Forwarded-For. */
  trustProxy?: number;
  deadlineSeconds?: number;
  /** Reads views and assets anew for each page. */
  isDevelopment?: boolean;
  passwords?: Passwords;
  moreRoutes?: Middleware[];
  /** Where to report a weakness, as a URL; without one there is no security.txt. */
  securityContact?: string | undefined;
  /** What Prometheus shows; without one there are no metrics. */
  metricsToken?: string | undefined;
  /** Aborted when the process is to stop: ends what would go on for ever. */
  stopping?: AbortSignal;
};

/** The web application: what each request passes, then the endpoints. It neither connects nor listens. */
export function createApp(options: Options): Koa {
  const { sql, log, origin, trustProxy = 0, deadlineSeconds = 5, isDevelopment = false } = options;
  const { passwords = createPasswords(), stopping = new AbortController().signal } = options;
  // For endpoints whose tasks somebody waits for.
  const notifying = notifyWorkers(sql);
  const { timeRequests, showMetrics } = createMetrics(sql, options.metricsToken);

  const app = new Koa({
    env: isDevelopment ? "development" : "production",
    proxy: trustProxy > 0,
    maxIpsCount: trustProxy,
  });
  // Answers are made and logged in errors.ts; what comes here is a connection that broke off.
  app.on("error", (error) => log.debug({ err: error }, "response failed"));

  app.use(closeUnread());
  app.use(logRequests(log));
  app.use(timeRequests);
  app.use(setHeaders(origin));
  app.use(answerErrors());
  app.use(setDeadline(deadlineSeconds));
  if (isDevelopment) app.use(refuseOtherHosts(origin));
  app.use(requireHttps(origin));
  app.use(refuseOtherSites(origin, isDevelopment));

  const owner = requireSession(sql, origin);
  const ownerOfLink = requireSession(sql, origin, "/login?link");
  // All methods that Node parses: an odd one is answered 405, not 501.
  const router = new Router<State>({ methods: METHODS });
  router.get("/", showHome());
  router.get("/signup", showSignUp());
  router.post("/signup", parseBody(), signUp(notifying, passwords, origin));
  router.get("/signup/sent", showSignUpSent(origin));
  router.get("/signup/refuse", showRefuseSignUp(sql));
  router.post("/signup/refuse", parseBody(), refuseSignUp(sql));
  router.get("/signup/refused", showSignUpRefused());
  router.get("/verify", showVerify(sql, origin));
  router.post("/verify", parseBody(), verify(sql, passwords, origin));
  router.get("/verify/resend", showResend());
  router.post("/verify/resend", parseBody(), resend(notifying, origin));
  router.get("/login", showLogIn());
  router.post("/login", parseBody(), logIn(sql, passwords, origin));
  router.post("/logout", logOut(sql, origin));
  router.get("/password/forgot", showForgotPassword());
  router.post("/password/forgot", parseBody(), forgotPassword(notifying, origin));
  router.get("/password/forgot/sent", showForgotPasswordSent(origin));
  router.get("/password/reset", showResetPassword(sql));
  router.post("/password/reset", parseBody(), resetPassword(notifying, passwords, origin));
  router.get("/account", owner, showAccount(sql));
  router.get("/account/data", owner, downloadData(sql));
  router.post("/account/sessions/end", owner, parseBody(), endSession(sql));
  router.post("/account/sessions/end-all", owner, logOutEverywhere(sql, origin));
  router.get("/account/password", owner, showChangePassword());
  router.post("/account/password", owner, parseBody(), changePassword(notifying, passwords, origin));
  router.get("/account/email", owner, showChangeEmail());
  router.post("/account/email", owner, parseBody(), changeEmail(notifying, passwords, origin));
  router.get("/account/email/sent", owner, showChangeEmailSent(origin));
  router.get("/account/email/confirm", ownerOfLink, showConfirmEmail(sql));
  router.post("/account/email/confirm", ownerOfLink, parseBody(), confirmEmail(notifying, origin));
  router.get("/account/email/revert", showRevertEmail(sql));
  router.post("/account/email/revert", parseBody(), revertEmail(notifying, passwords));
  router.get("/account/email/reverted", showEmailReverted());
  router.get("/account/delete", owner, showDeleteAccount());
  router.post("/account/delete", owner, parseBody(), deleteAccount(notifying, passwords, origin));
  router.get("/account/deleted", showAccountDeleted());
  addOperations(router, { sql, notifying, origin, stopping });
  router.get("/metrics", showMetrics);
  router.get("/healthz", showHealth());
  router.get("/readyz", showReadiness(sql));
  router.get("/assets/:hash/:name", serveAsset());
  router.get("/.well-known/change-password", redirectToChangePassword());
  router.get("/.well-known/security.txt", showSecurityContact(origin, options.securityContact));
  router.get("/favicon.ico", serveFavicon());

  app.use(router.routes());
  for (const middleware of options.moreRoutes ?? []) app.use(middleware);
  app.use(router.allowedMethods());
  return app;
}
