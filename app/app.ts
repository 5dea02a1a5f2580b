import { METHODS } from "node:http";
import { Router } from "@koa/router";
import Koa from "koa";
import { serveAsset, serveFavicon } from "./assets.ts";
import { parseBody } from "./body.ts";
import type { Sql } from "./db.ts";
import { setDeadline } from "./deadline.ts";
import { answerErrors } from "./errors.ts";
import { setHeaders } from "./headers.ts";
import { showHealth, showReadiness } from "./health.ts";
import { createHint } from "./hint.ts";
import { showHome } from "./home.ts";
import type { Middleware, State } from "./http.ts";
import type { Log } from "./log.ts";
import { passwordHasher } from "./password.ts";
import { logRequests } from "./request-log.ts";
import { refuseOtherSites } from "./same-site.ts";
import { showSignUpSent } from "./sign-up-sent.ts";
import { showSignUp, signUp } from "./sign-up.ts";

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
  hashPassword?: ReturnType<typeof passwordHasher>;
  moreRoutes?: Middleware[];
};

/** The web application: what each request passes, then the endpoints. It neither connects nor listens. */
export function createApp(options: Options): Koa {
  const { sql, log, origin, trustProxy = 0, deadlineSeconds = 5, isDevelopment = false } = options;
  const { hashPassword = passwordHasher() } = options;

  const app = new Koa({
    env: isDevelopment ? "development" : "production",
    proxy: trustProxy > 0,
    maxIpsCount: trustProxy,
  });
  // Answers are made and logged in errors.ts; what comes here is a connection that broke off.
  app.on("error", (error) => log.debug({ err: error }, "response failed"));

  app.use(logRequests(log));
  app.use(setHeaders(origin));
  app.use(answerErrors());
  app.use(setDeadline(deadlineSeconds));
  app.use(refuseOtherSites(origin));

  // All methods that Node parses: an odd one is answered 405, not 501.
  const router = new Router<State>({ methods: METHODS });
  router.get("/", showHome());
  router.get("/signup", showSignUp());
  router.post("/signup", parseBody(), signUp(sql, hashPassword, createHint(sql), origin));
  router.get("/signup/sent", showSignUpSent(origin));
  router.get("/healthz", showHealth());
  router.get("/readyz", showReadiness(sql));
  router.get("/assets/:hash/:name", serveAsset());
  router.get("/favicon.ico", serveFavicon());

  app.use(router.routes());
  for (const middleware of options.moreRoutes ?? []) app.use(middleware);
  app.use(router.allowedMethods());
  return app;
}
