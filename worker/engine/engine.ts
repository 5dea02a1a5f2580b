import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../../app/db.ts";
import type { Log } from "../../app/log.ts";
import { createBreakers } from "./breaker.ts";
import { createClaims } from "./scheduler.ts";
import type { Consumer } from "../consume.ts";
import { createFollow } from "../follow.ts";
import type { Outcome } from "./run-attempt.ts";
import { createHands } from "./runner.ts";
import { measureTurns } from "./event-loop-delay.ts";
import { oweDue, type Recurring } from "./recurring.ts";
import { createPersist, repeat } from "./repeat.ts";
import { createReport } from "./report.ts";
import { createSession } from "./session.ts";
import { createSettle } from "./record-outcomes.ts";
import { unknownTypes } from "./find-lanes.ts";
import { createSweep } from "./poller.ts";
import { createTally } from "./statistics.ts";
import type { Handler, Task } from "../task.ts";

type Options = {
  sql: Sql;
  /** For what handlers do, so that slow ones can't keep the engine from its own statements. */
  taskSql?: Sql;
  /** One connection for heartbeats alone. */
  heart: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  schedule?: Recurring[];
  consumers?: Consumer[];
  /** Tasks in hand at once. */
  concurrency: number;
  heartbeatSeconds?: number;
  leaseSeconds?: number;
};

export type Engine = {
  /** Looks for work at once: somebody has committed a task. */
  wake: () => void;
  /** Claims nothing more, lets the tasks in hand end, frees the rest. */
  stop(drainSeconds?: number): Promise<void>;
};

const scheduleSeconds = 15;
const unknownTypesSeconds = 60;

/** Sweeps the task table until it is stopped. A database that is away is waited for. */
export function startEngine(options: Options): Engine {
  const { sql, taskSql = sql, heart, log, handlers, schedule = [], consumers = [], concurrency } = options;
  const { heartbeatSeconds = 4, leaseSeconds = 12 } = options;
  const stopping = new AbortController();
  const over = new AbortController();

  const breakers = createBreakers();
  const tally = createTally();
  const persist = createPersist({ signal: over.signal, log });
  const settle = createSettle(sql, persist, () => follow.wake());
  const hands = createHands({ sql: taskSql, log, handlers, settle, onFree });
  const claims = createClaims({ sql, handlers, concurrency, breakerRoom: breakers.room });
  const session = createSession({
    sql: heart,
    log,
    heartbeatSeconds,
    leaseSeconds,
    onLost: () => hands.drop("The claim was lost."),
    onJoined: () => sweep.wake(),
    types: Object.keys(handlers),
    turnMilliseconds: measureTurns(),
  });
  const report = createReport({ sql, session, breakers, tally });
  const sweep = createSweep({ sql, session, claims, hands, persist, concurrency, signal: stopping.signal });
  const follow = createFollow({ sql: taskSql, log, consumers, onTaken: sweep.wake, signal: stopping.signal });

  function onFree(task: Task, outcome: Outcome, milliseconds: number): void {
    tally.note(task.task_type, outcome, milliseconds / 1000);
    trip(task.task_type, outcome);
    sweep.handIsFree(task);
  }

  function trip(type: string, outcome: Outcome): void {
    if (outcome.kind === "failed" && outcome.verdict.kind === "outside down") {
      const pauseSeconds = breakers.open(type, outcome.error);
      if (!pauseSeconds) return;
      log.error({ task_type: type, pause_seconds: pauseSeconds, error: outcome.error }, "the outside is down");
      setTimeout(sweep.wake, pauseSeconds * 1000).unref();
    }
    if (hasAnswered(outcome) && breakers.close(type)) log.info({ task_type: type }, "the outside is back");
  }

  async function oweRecurring(): Promise<void> {
    const owed = schedule.length > 0 ? await oweDue(sql, schedule) : [];
    if (owed.length > 0) sweep.wake();
  }

  async function listUnknownTypes(): Promise<void> {
    const unknown = await unknownTypes(sql, Object.keys(handlers));
    const names = unknown.map(({ task_type }) => task_type);
    if (names.length > 0) log.warn({ task_types: names }, "live TODO: no handler here knows these types");
  }

  // Until the very end: while it drains, a worker must not be taken for dead.
  void repeat(() => session.beat(), heartbeatSeconds, { signal: over.signal, log });
  void repeat(report, heartbeatSeconds, { signal: over.signal, log });
  const sweeping = repeat(() => sweep.round(), 0, { signal: stopping.signal, log });
  const following = consumers.length > 0 && repeat(() => follow.round(), 0, { signal: stopping.signal, log });
  void repeat(oweRecurring, scheduleSeconds, { signal: stopping.signal, log });
  void repeat(listUnknownTypes, unknownTypesSeconds, { signal: stopping.signal, log });

  /** What is told of a session is lost when it has ended. */
  async function sayGoodbye(): Promise<void> {
    try {
      await report();
    } finally {
      await session.leave();
    }
  }

  function wake(): void {
    sweep.wake();
    follow.wake();
  }

  return {
    wake,
    async stop(drainSeconds = 25) {
      stopping.abort();
      wake();
      // A claim that is under way is given back when it comes; nothing is taken any more.
      await Promise.all([atMost(3, Promise.all([sweeping, following])), atMost(drainSeconds, hands.allSettled())]);
      hands.drop("The worker was stopped.");
      await atMost(2, hands.allSettled());
      over.abort();
      await atMost(2, sayGoodbye()).catch((error: unknown) => {
        log.warn({ err: error }, "the database is away: what is held is freed when the lease ends");
      });
    },
  };
}

const hasAnswered = (outcome: Outcome) =>
  outcome.kind === "done" ||
  outcome.kind === "finished" ||
  (outcome.kind === "failed" && outcome.verdict.kind === "permanent");

const atMost = (seconds: number, promise: Promise<unknown>) =>
  Promise.race([promise, delay(seconds * 1000, undefined, { ref: false })]);
