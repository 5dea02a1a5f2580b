import { connect } from "../app/db.ts";
import { workerEnv } from "../app/env.ts";
import { createLog } from "../app/log.ts";
import { startEngine } from "./engine.ts";
import { createHandlers } from "./handlers.ts";
import { createMailer } from "./mailer.ts";
import { refuseOldDatabase } from "./refuse-old-database.ts";
import { schedule } from "./schedule.ts";
import { keepHeapSmall } from "./small-heap.ts";

keepHeapSmall();

const env = workerEnv();
const log = createLog(env.LOG_LEVEL, "worker");
const sql = connect(env, "worker");
const heart = connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat");
await refuseOldDatabase(sql, log);

const mailer = createMailer(env);
const handlers = createHandlers(sql, mailer);
const engine = startEngine({ sql, heart, log, handlers, schedule, concurrency: env.WORKER_CONCURRENCY });
// Not to be had behind a transaction pooler: then the poll finds the work within a second.
sql.listen("task", engine.wake).catch((error: unknown) => log.warn({ err: error }, "no hints: polling alone"));

let stopping = false;
const stop = (signal: NodeJS.Signals) => {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, "draining");
  void engine
    .stop()
    .then(() => mailer.close())
    .then(() => Promise.all([sql.end({ timeout: 1 }), heart.end({ timeout: 1 })]))
    .then(() => process.exit(0));
};
process.on("SIGTERM", stop).on("SIGINT", stop);
