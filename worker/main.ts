import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable, missingMigrations } from "../app/db/connect.ts";
import { warnOfPooler } from "../app/db/pooler.ts";
import { workerEnv } from "../app/env.ts";
import { createLog } from "../app/log.ts";
import { startEngine } from "./engine/engine.ts";
import { runIsolated } from "./engine/isolate.ts";
import { consumers } from "./events/consumers.ts";
import { startSubscribers } from "./events/subscribers.ts";
import { createHandlers } from "./handlers.ts";
import { createMailer } from "./mail/mailer.ts";
import * as modules from "./modules.ts";
import { connectPools, keepHeapSmall } from "./limits.ts";
import { runSchedule } from "./recurring.ts";
import { schedule } from "./schedule.ts";

keepHeapSmall();

const env = workerEnv(Object.values(modules));
const log = createLog(env.LOG_LEVEL, "worker");
const isIsolated = process.argv[2] === "isolated";
const { sql, taskSql, heartbeatSql, listens } = connectPools(env, isIsolated);
const mailer = createMailer(env);
const handlers = createHandlers(taskSql, mailer, env, log);

if (isIsolated) {
  await runIsolated({ sql, taskSql, heartbeatSql, log, handlers });
  process.exit(0);
}

const exit = () => process.exit(0);
process.on("SIGTERM", exit).on("SIGINT", exit);
await refuseOldDatabase();
process.off("SIGTERM", exit).off("SIGINT", exit);

const engine = startEngine({
  sql,
  taskSql,
  heartbeatSql,
  log,
  handlers,
  concurrency: env.WORKER_CONCURRENCY,
  isolatedEntry: import.meta.filename,
  onEvent: () => subscribers.wake(),
});
const subscribers = startSubscribers({ sql: taskSql, log, consumers, onConsumed: engine.wake });
const stopping = new AbortController();
void runSchedule({ sql, log, schedule: schedule(env), onEnqueued: engine.wake, signal: stopping.signal });
// Behind a transaction pooler, LISTEN fails: then polling finds the work within a second.
if (listens) {
  sql
    .listen("task", engine.wake)
    .catch((error: unknown) => log.warn({ err: error }, "cannot listen for notifications: polling instead"));
}

const stop = (signal: NodeJS.Signals) => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  log.info({ signal }, "draining");
  void Promise.all([engine.stop(), subscribers.stop()])
    .then(() => mailer.close())
    .then(() => Promise.all([sql, taskSql, heartbeatSql].map((pool) => pool.end({ timeout: 1 }))))
    .then(() => process.exit(0));
};
process.on("SIGTERM", stop).on("SIGINT", stop);

/** Exits 1 if the database is older than this release. A newer one is fine. Waits while the database is away. */
async function refuseOldDatabase(): Promise<void> {
  for (;;) {
    try {
      const missing = await missingMigrations(sql);
      if (missing.length === 0) return await warnOfPooler(sql, env.DATABASE_URL, log);
      log.fatal({ missing }, "the database is older than this release: migrate first");
      process.exit(1);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      log.error({ err: error }, "the database is away; trying again");
      await delay(500);
    }
  }
}
