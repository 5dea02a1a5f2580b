import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable, type Sql } from "../app/db.ts";
import type { Log } from "../app/log.ts";
import { createBreakers } from "./breaker.ts";
import { createClaims } from "./claims.ts";
import { start, type Hand, type Outcome } from "./hand.ts";
import { oweDue, type Recurring } from "./recurring.ts";
import { createSession } from "./session.ts";
import { createSettle, type Settled } from "./settle.ts";
import { release, releaseUnheard, unknownTypes } from "./statements.ts";
import type { Handler, Task } from "./task.ts";

type Options = {
  sql: Sql;
  /** For what handlers do, so that slow ones can't keep the engine from its own statements. */
  taskSql?: Sql;
  /** One connection for heartbeats alone. */
  heart: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  schedule?: Recurring[];
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

const pollSeconds = 0.95;
const scheduleSeconds = 15;
const unknownTypesSeconds = 60;
const stockSeconds = 60;

/** Sweeps the task table until it is stopped. A database that is away is waited for. */
export function startEngine(options: Options): Engine {
  const {
    sql,
    taskSql = sql,
    heart,
    log,
    handlers,
    schedule = [],
    concurrency,
    heartbeatSeconds = 4,
    leaseSeconds = 12,
  } = options;
  const types = Object.keys(handlers);
  const hands = new Set<Hand>();
  const held = new Map<string, number>();
  /** Taken, and the outcome not yet written down. */
  const open = new Set<Task>();
  const unwritten: Task[] = [];
  let allWritten = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const over = new AbortController();
  const breakers = createBreakers();
  const claims = createClaims({ sql, handlers, concurrency, breakerRoom: breakers.room });
  const session = createSession({
    sql: heart,
    log,
    heartbeatSeconds,
    leaseSeconds,
    onLost: () => drop("The claim was lost."),
    onJoined: wake,
  });
  const settle = createSettle(sql, until);
  let bell = Promise.withResolvers<void>();
  let isDue = true;
  let isUnheard = false;
  let nextStock = performance.now() + stockSeconds * 1000;

  async function sweep(): Promise<void> {
    if (hands.size >= concurrency) {
      // A hint that comes now is kept for the next hand that is free.
      bell = Promise.withResolvers();
      return listen();
    }
    const { workerId } = session;
    const look = isDue;
    [bell, isDue] = [Promise.withResolvers<void>(), false];
    if (!workerId || isAlone()) return listen();
    // A connection that is lost after a claim leaves tasks with us that we have not heard of; now and then, for a claim
    // that commits only after we have asked.
    if (isUnheard || performance.now() > nextStock) {
      await releaseUnheard(sql, workerId, [...open, ...unwritten]);
      nextStock = performance.now() + stockSeconds * 1000;
    }
    isUnheard = true;
    const claimed = await claims.next(workerId, held, look);
    isUnheard = false;
    const tasks = claimed.map((task) => Object.assign(task, { worker_id: workerId }));
    if (stopping.signal.aborted || workerId !== session.workerId) {
      if (tasks.length > 0) await release(sql, tasks);
      return;
    }
    for (const task of tasks) take(task);
    if (tasks.length > 0) return;

    await listen();
  }

  /** Waits until there may be something to claim. */
  async function listen(): Promise<void> {
    // The hint is a courtesy, the poll is the truth; the jitter keeps many workers apart.
    const poll = setTimeout(wake, pollSeconds * 1000 * (0.9 + Math.random() / 10));
    await bell.promise;
    clearTimeout(poll);
  }

  function wake(): void {
    isDue = true;
    bell.resolve();
  }

  function take(task: Task): void {
    const started = performance.now();
    const type = task.task_type;
    const handler = handlers[type]!;
    const hand = start(taskSql, handler, task, (outcome) => {
      hands.delete(hand);
      held.set(type, held.get(type)! - 1);
      if (task.unsettled >= 2) wake();
      else if (claims.hasMore || isDue) bell.resolve();
      trip(type, outcome);
      settle(handler, task, outcome)
        .then(
          (settled) => report(task, outcome, settled, performance.now() - started),
          (error: unknown) => {
            unwritten.push(task);
            log.error({ err: error, task_id: task.task_id }, "outcome not written down");
          },
        )
        .finally(() => {
          open.delete(task);
          if (open.size === 0) allWritten.resolve();
        });
    });
    hands.add(hand);
    held.set(type, (held.get(type) ?? 0) + 1);
    open.add(task);
  }

  function trip(type: string, outcome: Outcome): void {
    const isDown = outcome.kind === "failed" && outcome.verdict.kind === "outside down";
    const pauseSeconds = isDown ? breakers.open(type) : undefined;
    if (pauseSeconds) {
      log.error({ task_type: type, pause_seconds: pauseSeconds, error: errorOf(outcome) }, "the outside is down");
      setTimeout(wake, pauseSeconds * 1000).unref();
    }
    const hasAnswered = outcome.kind === "done" || outcome.kind === "finished" || isPermanent(outcome);
    if (hasAnswered && breakers.close(type)) log.info({ task_type: type }, "the outside is back");
  }

  function report(task: Task, outcome: Outcome, settled: Settled, milliseconds: number): void {
    const { task_id, task_type, attempt } = task;
    const line = { task_id, task_type, attempt, ms: Math.round(milliseconds), error: errorOf(outcome) };
    if (settled === "lost") log.warn(line, "lost: no longer held by this attempt, nothing was changed");
    else log.info(line, settled);
  }

  /** What crashed its worker twice runs with nothing beside it. */
  const isAlone = () => [...hands].some(({ task }) => task.unsettled >= 2);

  function drop(reason: string): void {
    for (const hand of hands) hand.drop(reason);
  }

  async function oweRecurring(): Promise<void> {
    const owed = schedule.length > 0 ? await oweDue(sql, schedule) : [];
    if (owed.length > 0) wake();
  }

  async function listUnknownTypes(): Promise<void> {
    const unknown = await unknownTypes(sql, types);
    const names = unknown.map(({ task_type }) => task_type);
    if (names.length > 0) log.warn({ task_types: names }, "live TODO: no handler here knows these types");
  }

  async function forever(step: () => Promise<void>, pauseSeconds: number, { signal }: AbortController): Promise<void> {
    const nap = (seconds: number) => delay(seconds * 1000, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      const isWell = await step().then(
        () => true,
        (error: unknown) => log.error({ err: error }, "the database did not do it; trying again"),
      );
      if (pauseSeconds > 0 || !isWell) await nap(isWell ? pauseSeconds : 0.5);
    }
  }

  /** What has happened outside must be written down: a statement is repeated while the database is away. */
  async function until<Result>(statement: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await statement();
      } catch (error) {
        if (!isPassing(error) || over.signal.aborted) throw error;
        log.error({ err: error }, "the database is away; trying again");
        await delay(500);
      }
    }
  }

  // Until the very end: while it drains, a worker must not be taken for dead.
  void forever(() => session.beat(), heartbeatSeconds, over);
  const sweeping = forever(sweep, 0, stopping);
  void forever(oweRecurring, scheduleSeconds, stopping);
  void forever(listUnknownTypes, unknownTypesSeconds, stopping);

  function allSettled(): Promise<void> {
    allWritten = Promise.withResolvers();
    if (open.size === 0) allWritten.resolve();
    return allWritten.promise;
  }

  return {
    wake,
    async stop(drainSeconds = 25) {
      stopping.abort();
      bell.resolve();
      await atMost(drainSeconds, sweeping.then(allSettled));
      drop("The worker was stopped.");
      await atMost(2, allSettled());
      over.abort();
      await atMost(2, session.leave()).catch((error: unknown) => {
        log.warn({ err: error }, "the database is away: what is held is freed when the lease ends");
      });
    },
  };
}

/** Worth saying again: the database is away, or somebody else was in the way (a deadlock, a lock or a statement time-out). */
const isPassing = (error: unknown) =>
  isUnavailable(error) ||
  (error instanceof Error && "code" in error && /^(40...|55P03|57014)$/.test(String(error.code)));

const errorOf = (outcome: Outcome) => ("error" in outcome ? outcome.error : undefined);

const isPermanent = (outcome: Outcome) => outcome.kind === "failed" && outcome.verdict.kind === "permanent";

const atMost = (seconds: number, promise: Promise<unknown>) =>
  Promise.race([promise, delay(seconds * 1000, undefined, { ref: false })]);
