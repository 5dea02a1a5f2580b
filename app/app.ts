import { METHODS } from "node:http";
import { Router } from "@koa/router";
import Koa from "koa";
import type { Sql } from "./db/connect.ts";
import { notifyWorkers } from "./db/notify-workers.ts";
import { closeUnread } from "./http/body.ts";
import type { CurrentUser, Middleware, State } from "./http/context.ts";
import { respondToErrors } from "./http/errors.ts";
import { setHeaders } from "./http/headers.ts";
import { refuseOtherHosts, refuseOtherSites, requireHttps } from "./http/origin.ts";
import type { Module, ModuleParts } from "./http/module.ts";
import { logRequests, setDeadline } from "./http/request.ts";
import type { Log } from "./log.ts";
import { offerUser } from "./log-in/session.ts";
import * as registered from "./modules.ts";
import { createPasswords, type Passwords } from "./password/password.ts";
import { addRoutes } from "./routes.ts";

type Options = {
  sql: Sql;
  log: Log;
  /** Public origin, e.g. `https://example.com`. */
  origin: string;
  /** Number of proxies in front. The client's address is counted from the right of X-Forwarded-For. */
  trustProxy?: number;
  deadlineSeconds?: number;
  /** Reads views and assets again for each page. */
  isDevelopment?: boolean;
  passwords?: Passwords;
  moreRoutes?: Middleware[];
  modules?: Module[];
  /** Where to report a weakness, as a URL. Without one there is no security.txt. */
  securityContact?: string | undefined;
  /** The environment, including what the modules read. */
  env?: object;
  /** Aborted when the process stops: ends responses that never end by themselves. */
  stopping?: AbortSignal;
};

/** The web application: the middleware that every request passes, then the routes. It neither connects nor listens. */
export function createApp(options: Options): Koa {
  const { log, origin, trustProxy = 0, deadlineSeconds = 5, isDevelopment = false } = options;
  const { passwords = createPasswords(), stopping = new AbortController().signal, securityContact } = options;
  const sql = notifyWorkers(options.sql);
  const modules = startModules({ ...options, sql, stopping });

  const app = new Koa({
    env: isDevelopment ? "development" : "production",
    proxy: trustProxy > 0,
    maxIpsCount: trustProxy,
  });
  // Only broken connections end here. errors.ts handles and logs every other error.
  app.on("error", (error) => log.debug({ err: error }, "response failed"));

  app.use(closeUnread());
  app.use(logRequests(log));
  for (const { middleware } of modules) if (middleware) app.use(middleware);
  app.use(setState(origin, modules));
  app.use(setHeaders(origin));
  app.use(offerUser(sql));
  app.use(respondToErrors());
  app.use(setDeadline(deadlineSeconds));
  if (isDevelopment) app.use(refuseOtherHosts(origin));
  app.use(
    requireHttps(
      origin,
      modules.flatMap(({ probes = [] }) => probes),
    ),
  );
  app.use(refuseOtherSites(origin, isDevelopment));

  // All methods that Node parses, because an unusual one must get 405, not 501.
  const router = new Router<State>({ methods: METHODS });
  for (const module of modules) module.addGuards?.(router);
  addRoutes(router, { sql, passwords, origin, securityContact });
  for (const module of modules) module.addRoutes?.(router);
  app.use(router.routes());
  for (const middleware of options.moreRoutes ?? []) app.use(middleware);
  app.use(router.allowedMethods());
  return app;
}

function startModules(options: Options & { stopping: AbortSignal }): ModuleParts[] {
  const { sql, log, origin, env = {}, stopping, modules = Object.values<Module>(registered) } = options;
  return modules.map((module) => module.start?.({ sql, log, origin, env: { ...env }, stopping, modules }) ?? {});
}

function setState(origin: string, modules: ModuleParts[]): Middleware {
  const findLinks = async (user: CurrentUser) =>
    (await Promise.all(modules.map(async (module) => (await module.findLinks?.(user)) ?? []))).flat();
  const findData = async (user: CurrentUser) => {
    const found = await Promise.all(modules.map(async (module) => (await module.findData?.(user)) ?? {}));
    return Object.fromEntries(found.flatMap((data) => Object.entries(data)));
  };
  const eventWords = new Map(modules.flatMap((module) => Object.entries(module.eventWords ?? {})));
  const parts = modules.flatMap((module) => Object.entries(module.parts ?? {}));
  const partsOf = (view: string) => parts.filter(([page]) => page === view).map(([, part]) => part);

  return (ctx, next) => {
    Object.assign(ctx.state, { origin, findLinks, findData, eventWords, partsOf });
    return next();
  };
}
