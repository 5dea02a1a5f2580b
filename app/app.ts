import { METHODS } from "node:http";
import { Router } from "@koa/router";
import Koa from "koa";
import type { Sql } from "./db/connect.ts";
import { notifyWorkers } from "./db/notify-workers.ts";
import type { Middleware, State } from "./http/context.ts";
import { setDeadline } from "./http/deadline.ts";
import { answerErrors } from "./http/errors.ts";
import { setHeaders } from "./http/headers.ts";
import { refuseOtherHosts } from "./http/own-host.ts";
import { logRequests } from "./http/request-log.ts";
import { requireHttps } from "./http/require-https.ts";
import { refuseOtherSites } from "./http/same-site.ts";
import { closeUnread } from "./http/unread.ts";
import type { Log } from "./log.ts";
import { createMetrics } from "./ops/metrics.ts";
import { createPasswords, type Passwords } from "./password/password.ts";
import { addRoutes } from "./routes.ts";

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
  /** Where to report a weakness, as a URL. Without one there is no security.txt. */
  securityContact?: string | undefined;
  /** What Prometheus shows. Without one there are no metrics. */
  metricsToken?: string | undefined;
  /** Aborted when the process is to stop: ends what would go on forever. */
  stopping?: AbortSignal;
};

/** The web application: what every request passes, then the routes. It neither connects nor listens. */
export function createApp(options: Options): Koa {
  const { log, origin, trustProxy = 0, deadlineSeconds = 5, isDevelopment = false } = options;
  const { passwords = createPasswords(), stopping = new AbortController().signal, securityContact } = options;
  // Idle workers hear of every statement that enqueues a task, without the endpoint's help.
  const sql = notifyWorkers(options.sql);
  const { timeRequests, showMetrics } = createMetrics(sql, options.metricsToken);

  const app = new Koa({
    env: isDevelopment ? "development" : "production",
    proxy: trustProxy > 0,
    maxIpsCount: trustProxy,
  });
  // errors.ts answers and logs every error. What comes here is a connection that broke off.
  app.on("error", (error) => log.debug({ err: error }, "response failed"));

  app.use(closeUnread());
  app.use(logRequests(log));
  app.use(timeRequests);
  app.use(setOrigin(origin));
  app.use(setHeaders(origin));
  app.use(answerErrors());
  app.use(setDeadline(deadlineSeconds));
  if (isDevelopment) app.use(refuseOtherHosts(origin));
  app.use(requireHttps(origin));
  app.use(refuseOtherSites(origin, isDevelopment));

  // All methods that Node parses: an unusual one is answered 405, not 501.
  const router = new Router<State>({ methods: METHODS });
  addRoutes(router, { sql, passwords, origin, securityContact, showMetrics, stopping });
  app.use(router.routes());
  for (const middleware of options.moreRoutes ?? []) app.use(middleware);
  app.use(router.allowedMethods());
  return app;
}

function setOrigin(origin: string): Middleware {
  return (ctx, next) => {
    ctx.state.origin = origin;
    return next();
  };
}
