import { connect } from "../app/db.ts";
import { workerEnv } from "../app/env.ts";
import { createLog } from "../app/log.ts";
import { startEngine } from "./engine.ts";
import { createHandlers } from "./handlers.ts";
import { createMailer } from "./mailer.ts";

const env = workerEnv();
const log = createLog(env.LOG_LEVEL, "worker");
const sql = connect(env, "worker");
const mailer = createMailer(env);
const engine = startEngine({ sql, log, handlers: createHandlers(sql, mailer), concurrency: env.WORKER_CONCURRENCY });

let stopping = false;
const stop = (signal: NodeJS.Signals) => {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, "draining");
  void engine
    .stop()
    .then(() => mailer.close())
    .then(() => sql.end({ timeout: 1 }))
    .then(() => process.exit(0));
};
process.on("SIGTERM", stop).on("SIGINT", stop);
