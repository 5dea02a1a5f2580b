import { workerEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import { consumers } from "../../worker/events/consumers.ts";
import { startSubscribers } from "../../worker/events/subscribers.ts";
import { startEngine } from "../../worker/engine/engine.ts";
import * as modules from "../../worker/modules.ts";
import { createHandlers } from "../../worker/handlers.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import { connectPools, keepHeapSmall } from "../../worker/limits.ts";
import type { Handler } from "../../worker/engine/task.ts";
import { aboutUser } from "../../worker/mail/mail-handler.ts";
import { send, watchStarts } from "../support/messages.ts";

// The worker with all its parts. It notes when the handler of each user's welcome mail starts.

keepHeapSmall();

const env = workerEnv(Object.values(modules));
const log = createLog(env.LOG_LEVEL, "worker");
const { sql, taskSql, heartbeatSql } = connectPools(env);
const handlers = createHandlers(taskSql, createMailer(env), env, log);
const concurrency = env.WORKER_CONCURRENCY;

const welcome = handlers["SEND_EMAIL_WELCOME"]!;
handlers["SEND_EMAIL_WELCOME"] = noteStarts(welcome, watchStarts(Infinity));
const onEvent = () => subscribers.wake();
const engine = startEngine({ sql, taskSql, heartbeatSql, log, handlers, concurrency, onEvent });
const subscribers = startSubscribers({ sql: taskSql, log, consumers, onConsumed: engine.wake });
await sql.listen("task", engine.wake);
send("ready");

function noteStarts(handler: Handler, started: (number: number) => void): Handler {
  return {
    ...handler,
    run(attempt) {
      started(Number(aboutUser.parse(attempt.params).usr_id));
      return handler.run(attempt);
    },
  };
}
