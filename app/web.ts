import { createServer, type Server } from "node:http";
import { createApp } from "./app.ts";
import { connect } from "./db/connect.ts";
import { warnOfPooler } from "./db/pooler.ts";
import { webEnv } from "./env.ts";
import type { Middleware } from "./http/context.ts";
import { createLog } from "./log.ts";
import * as modules from "./modules.ts";
import { createPasswords } from "./password/password.ts";

const drainSeconds = 25;
/** Longer than the deadline of a request. */
const silenceSeconds = 20;
/** The limits for the headers of a request and for all of it. A body over the deadline got its 408 before that. */
const timeouts = { headersTimeout: 5000, requestTimeout: 8000, connectionsCheckingInterval: 1000 };

/** Connects and listens. On SIGTERM or SIGINT, lets open requests finish, then exits 0. */
export function startWeb(options: { isDevelopment?: boolean; moreRoutes?: Middleware[] } = {}): void {
  const env = webEnv(Object.values(modules));
  const log = createLog(env.LOG_LEVEL, "web");
  const sql = connect(env, "web", silenceSeconds);
  const stopping = new AbortController();
  const app = createApp({
    sql,
    log,
    origin: env.ORIGIN,
    trustProxy: env.TRUST_PROXY,
    passwords: createPasswords({ rangeUrl: env.PWNED_PASSWORDS_URL }),
    securityContact: env.SECURITY_CONTACT,
    env,
    stopping: stopping.signal,
    ...options,
  });

  const handle = app.callback();
  const server = createServer(timeouts, (request, response) => void handle(request, response));
  // In development, anyone who connects can read all mails.
  const host = options.isDevelopment ? "127.0.0.1" : undefined;
  server.listen(env.PORT, host, () => {
    log.info({ address: server.address() }, "listening");
    warnOfPooler(sql, env.DATABASE_URL, log).catch((error: unknown) =>
      log.warn({ err: error }, "the database is away: web responds 503 until it is back"),
    );
  });
  server.once("error", (error) => {
    log.fatal({ err: error }, error.message);
    process.exit(1);
  });

  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    log.info({ signal }, "draining");
    void drain(server)
      .then(() => sql.end({ timeout: 1 }))
      .then(() => process.exit(0));
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
}

async function drain(server: Server): Promise<void> {
  // An idle kept-alive connection would keep the server open.
  const closeIdle = setInterval(() => server.closeIdleConnections(), 100);
  const giveUp = setTimeout(() => server.closeAllConnections(), drainSeconds * 1000);
  await new Promise((resolve) => server.close(resolve));
  clearInterval(closeIdle);
  clearTimeout(giveUp);
}
