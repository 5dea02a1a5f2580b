import { connect } from "../app/db/connect.ts";
import { workerEnv } from "../app/env.ts";
import { createLog } from "../app/log.ts";
import { consumers } from "./events/consumers.ts";
import { startSubscribers } from "./events/subscribers.ts";
import { startEngine } from "./engine/engine.ts";
import { createHandlers } from "./handlers.ts";
import { runIsolated } from "./engine/isolate.ts";
import { createMailer } from "./mail/mailer.ts";
import { splitPool } from "./pool.ts";
import { refuseOldDatabase } from "./refuse-old-database.ts";
import { runSchedule } from "./recurring.ts";
import { schedule } from "./schedule.ts";
import { keepHeapSmall } from "./small-heap.ts";

keepHeapSmall();

const env = workerEnv();
const log = createLog(env.LOG_LEVEL, "worker");
const isIsolated = process.argv[2] === "isolated";
const pool = splitPool(env.DATABASE_POOL, isIsolated);
const sql = connect({ ...env, DATABASE_POOL: pool.engine }, "worker engine", 20);
// Longer than any one statement of a handler.
const taskSql = connect({ ...env, DATABASE_POOL: pool.tasks }, "worker tasks", 35);
const heartbeatSql = connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat", 10);
const mailer = createMailer(env);
const handlers = createHandlers(taskSql, mailer, env, log);

if (isIsolated) {
  await runIsolated({ sql, taskSql, heartbeatSql, log, handlers });
  process.exit(0);
}

const leaveAtOnce = () => process.exit(0);
process.on("SIGTERM", leaveAtOnce).on("SIGINT", leaveAtOnce);
await refuseOldDatabase(sql, log);
process.off("SIGTERM", leaveAtOnce).off("SIGINT", leaveAtOnce);

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
// Not to be had behind a transaction pooler: then the poll finds the work within a second.
if (pool.listens) {
  sql
    .listen("task", engine.wake)
    .catch((error: unknown) => log.warn({ err: error }, "no notifications: polling alone"));
}

const stop = (signal: NodeJS.Signals) => {
  if (stopping.signal.aborted) return;
  stopping.abort();
  log.info({ signal }, "draining");
  void Promise.all([engine.stop(), subscribers.stop()])
    .then(() => mailer.close())
    .then(() => Promise.all([sql, taskSql, heartbeatSql].map((one) => one.end({ timeout: 1 }))))
    .then(() => process.exit(0));
};
process.on("SIGTERM", stop).on("SIGINT", stop);
