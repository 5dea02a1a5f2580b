import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import type { Log } from "../../app/log.ts";
import { repeat } from "../repeat.ts";
import { createBreakers } from "./breaker.ts";
import { createClaims } from "./claim.ts";
import { createIsolate } from "./isolate.ts";
import { unknownTypes } from "./lanes.ts";
import { createPoller, createWakeUp } from "./poller.ts";
import { createReclaim, leave } from "./reclaim.ts";
import { createRecorder } from "./record-outcomes.ts";
import type { Outcome } from "./run-attempt.ts";
import { createRunner } from "./runner.ts";
import { createSession } from "./session.ts";
import { createStatistics } from "./statistics.ts";
import type { Handler, Task } from "./task.ts";
import { createTransactions } from "./transactions.ts";

type Options = {
  /** For claims and outcomes. */
  sql: Sql;
  /** For handlers, so that slow ones can't keep the engine from its own statements. */
  taskSql?: Sql;
  /** One connection for heartbeats alone. */
  heartbeatSql: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  /** Concurrency slots. */
  concurrency: number;
  heartbeatSeconds?: number;
  /** At least three heartbeats; the schema's default when it is left out. */
  leaseSeconds?: number;
  /** An event was recorded with an outcome. */
  onEvent?: () => void;
  /** The module that runs one poison task when it is forked with the argument "isolated"; without it they run in this process. */
  isolatedEntry?: string;
};

export type Engine = {
  /** Looks for work at once: a task was committed. */
  wake: () => void;
  /** Claims nothing more, lets running tasks end, releases the rest. */
  stop(drainSeconds?: number): Promise<void>;
};

const unknownTypesSeconds = 60;

/** Polls the task table until it is stopped. Waits for a database that is away. */
export function startEngine(options: Options): Engine {
  const { sql, taskSql = sql, heartbeatSql, log, handlers, concurrency, onEvent = () => {} } = options;
  const { heartbeatSeconds = 4, leaseSeconds, isolatedEntry } = options;
  const types = Object.keys(handlers);
  const stopping = new AbortController();
  const over = new AbortController();

  const wakeUp = createWakeUp(stopping.signal);
  const breakers = createBreakers();
  const statistics = createStatistics(sql, breakers);
  const runner = createRunner({
    log,
    handlers,
    concurrency,
    transactions: createTransactions(taskSql),
    record: createRecorder({ sql, log, handlers, signal: over.signal, onEvent }),
    isolate: isolatedEntry === undefined ? undefined : createIsolate({ sql, log, entry: isolatedEntry }),
    onEnd,
    onRecorded: wakeUp.wake,
  });
  const session = createSession({
    sql: heartbeatSql,
    log,
    heartbeatSeconds,
    leaseSeconds,
    types,
    onLost: () => runner.drop("The claim was lost."),
    onJoined: () => wakeUp.notify(),
  });
  const claims = createClaims({
    sql,
    slowSql: taskSql,
    handlers,
    concurrency,
    breakerRoom: (type, running) => breakers.room(type, running),
    onFound: () => wakeUp.notify(),
  });
  const poller = createPoller({ sql, session, claims, runner, wakeUp, signal: stopping.signal });
  const reclaim = createReclaim({ sql, session, log, onReclaimed });

  function onEnd({ task_type }: Task, outcome: Outcome, milliseconds: number): void {
    statistics.note(task_type, outcome, milliseconds / 1000);
    if (outcome.kind === "service down") openBreaker(task_type, outcome.error);
    if (successes.has(outcome.kind) && breakers.close(task_type)) log.info({ task_type }, "the service is back");
    if (outcome.kind === "retry" && breakers.widen(task_type)) wakeUp.notify();
    wakeUp.wake();
  }

  function openBreaker(task_type: string, error: string): void {
    const pauseSeconds = breakers.open(task_type, error);
    if (!pauseSeconds) return;
    log.error({ task_type, pause_seconds: pauseSeconds, error }, "the service is down");
    setTimeout(() => wakeUp.notify(), pauseSeconds * 1000).unref();
  }

  function onReclaimed(): void {
    claims.lanes.expectOld();
    wakeUp.notify();
  }

  async function listUnknownTypes(): Promise<void> {
    const names = (await unknownTypes(sql, types)).map(({ task_type }) => task_type);
    if (names.length > 0) log.warn({ task_types: names }, "no handler here knows these types");
  }

  // Until the very end: while it drains, a worker must not be taken for dead.
  void repeat(() => session.heartbeat(), heartbeatSeconds, { signal: over.signal, log });
  void repeat(reclaim, heartbeatSeconds, { signal: over.signal, log });
  void repeat(() => statistics.report(session.workerId), heartbeatSeconds, { signal: over.signal, log });
  const polling = repeat(() => poller.round(), 0, { signal: stopping.signal, log });
  void repeat(listUnknownTypes, unknownTypesSeconds, { signal: stopping.signal, log });

  async function endSession(): Promise<void> {
    const { workerId } = session;
    try {
      await statistics.report(workerId);
    } finally {
      if (workerId) await leave(sql, workerId, runner.held, poller.knowsAll);
    }
  }

  return {
    wake: () => wakeUp.notify(),
    async stop(drainSeconds = 25) {
      stopping.abort();
      // A claim that is under way is released when it comes; nothing is started any more.
      await Promise.all([atMost(3, polling), atMost(drainSeconds, runner.whenEmpty())]);
      runner.drop("The worker was stopped.");
      await atMost(2, runner.whenEmpty());
      over.abort();
      await atMost(2, endSession()).catch((error: unknown) => {
        log.warn({ err: error }, "the database is away: the tasks are reclaimed when the lease expires");
      });
    },
  };
}

const successes = new Set<Outcome["kind"]>(["done", "recorded", "permanent"]);

const atMost = (seconds: number, promise: Promise<unknown>) =>
  Promise.race([promise, delay(seconds * 1000, undefined, { ref: false })]);
