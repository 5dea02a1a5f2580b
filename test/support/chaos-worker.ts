import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createLog } from "../../app/log.ts";
import type { Consumer } from "../../worker/events/consume.ts";
import { consumers } from "../../worker/events/consumers.ts";
import { startSubscribers } from "../../worker/events/subscribers.ts";
import { startEngine } from "../../worker/engine/engine.ts";
import { runIsolated } from "../../worker/engine/isolate.ts";
import * as modules from "../../worker/modules.ts";
import { createHandlers } from "../../worker/handlers.ts";
import { mailHandler } from "../../worker/mail/mail-handler.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import { defineHandler } from "../../worker/engine/task.ts";
import { keepHeapSmall } from "../../worker/limits.ts";

// The worker's entry with a short lease (1 s, or CHAOS_LEASE_SECONDS) and with task types for tests.

keepHeapSmall();

const env = workerEnv(Object.values(modules));
const log = createLog(env.LOG_LEVEL, "worker");
const leaseSeconds = Number(process.env["CHAOS_LEASE_SECONDS"] ?? 1);
const sql = connect(env, "worker", 15);
const heartbeatSql = connect({ ...env, DATABASE_POOL: 1 }, "worker heartbeat", 10);
const mailer = createMailer(env);

const handlers = {
  ...createHandlers(sql, mailer, env, log),

  SEND_EMAIL_ONCE: {
    ...mailHandler(sql, mailer, { view: "already-registered", subject: "At most once" }),
    afterUnknown: "bury" as const,
  },

  /** Logs its start and ends after so many seconds, without the database. */
  LAST: defineHandler({
    params: z.object({ seconds: z.number() }),
    async run({ params, task: { task_id, attempt } }) {
      log.info({ task_id, attempt }, "begun");
      await delay(params.seconds * 1000);
    },
  }),

  /** The same, and inserts a row into the table `signature` in its finish. The first attempt may linger there. */
  SIGN: defineHandler({
    params: z.object({ seconds: z.number(), linger: z.number().default(0) }),
    async run({ params, task: { task_id, attempt }, finish }) {
      log.info({ task_id, attempt }, "begun");
      await delay(params.seconds * 1000);
      await finish(async (tx) => {
        await tx`insert into signature (task_id, attempt) values (${task_id}, ${attempt})`;
        log.info({ task_id, attempt }, "signed");
        if (attempt === 1) await delay(params.linger * 1000);
      });
    },
  }),

  /** Blocks the event loop for so many seconds in its first attempt. */
  BLOCK: defineHandler({
    params: z.object({ seconds: z.number() }),
    async run({ params, task: { task_id, attempt } }) {
      log.info({ task_id, attempt }, "begun");
      const cell = new Int32Array(new SharedArrayBuffer(4));
      if (attempt === 1) Atomics.wait(cell, 0, 0, params.seconds * 1000);
    },
  }),

  /** Fails three times and retries at once. */
  FLAKY: defineHandler({
    params: z.object({}),
    backoffSeconds: () => 0,
    async run({ task: { attempt } }) {
      if (attempt < 4) throw new Error("Not yet.");
    },
  }),

  /** Kills its own process. */
  CRASH: defineHandler({
    params: z.object({}),
    async run() {
      process.kill(process.pid, "SIGKILL");
      await new Promise(() => {});
    },
  }),

  NO_OP: defineHandler({ params: z.object({}), async run() {} }),
};

/** Writes the events that it consumes to the table `seen`, in order. */
const noteEvents: Consumer = {
  name: "note",
  // Small batches: there are many transactions in which something can go wrong.
  batch: 10,
  consume: (tx, events) => tx`
    insert into seen (position)
    select position
    from unnest(${events.map(({ position }) => position)}::text[]) with ordinality as event (position, number)
    order by number
  `,
};
const followers: Record<string, Consumer[]> = { "1": consumers, "and note them": [...consumers, noteEvents] };

const heartbeatSeconds = 0.3 * leaseSeconds;
if (process.argv[2] === "isolated") {
  await runIsolated({ sql, taskSql: sql, heartbeatSql, log, handlers, heartbeatSeconds, leaseSeconds });
  process.exit(0);
}

const engine = startEngine({
  sql,
  heartbeatSql,
  log,
  handlers,
  concurrency: env.WORKER_CONCURRENCY,
  heartbeatSeconds,
  leaseSeconds,
  isolatedEntry: import.meta.filename,
  onEvent: () => subscribers.wake(),
});
const subscribers = startSubscribers({
  sql,
  log,
  consumers: followers[process.env.FOLLOW_EVENTS ?? ""] ?? [],
  onConsumed: engine.wake,
});

const wake = () => {
  engine.wake();
  subscribers.wake();
};
sql.listen("task", wake).catch((error: unknown) => log.warn({ err: error }, "no notifications: polling only"));

process.once("SIGTERM", () => {
  void Promise.all([engine.stop(), subscribers.stop()])
    .then(() => mailer.close())
    .then(() => Promise.all([sql.end({ timeout: 1 }), heartbeatSql.end({ timeout: 1 })]))
    .then(() => process.exit(0));
});
