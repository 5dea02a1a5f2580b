import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "../app/db.ts";
import type { Log } from "../app/log.ts";
import { errorText } from "./error-text.ts";
import { beat, bury, claim, finish, freeTheDead, leave, retryLater } from "./statements.ts";
import type { Handler, Task } from "./task.ts";

type Options = {
  sql: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  /** Tasks in hand at once. */
  concurrency: number;
};

export type Engine = {
  /** Claims nothing more, lets the tasks in hand end (25 s at most), frees the rest. */
  stop(): Promise<void>;
};

const pollMilliseconds = 500;
const heartbeatMilliseconds = 5000;
const leaseSeconds = 15;
const drainMilliseconds = 25_000;

/** Sweeps the task table until it is stopped. A database that is away is waited for. */
export function startEngine({ sql, log, handlers, concurrency }: Options): Engine {
  const workerId = randomUUID();
  const inHand = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function sweep(): Promise<void> {
    const hands = concurrency - inHand.size;
    const tasks = hands > 0 ? await claim(sql, workerId, Object.keys(handlers), hands) : [];
    for (const task of tasks) {
      const work = perform(task)
        .catch((error: unknown) => log.error({ err: error, task_id: task.task_id }, "left to the next worker"))
        .finally(() => inHand.delete(work));
      inHand.add(work);
    }
    // A full hand of tasks means that more may be due: go on as soon as one ends.
    await Promise.race([...(tasks.length === hands ? inHand : []), nap(pollMilliseconds)]);
  }

  async function perform(task: Task): Promise<void> {
    const started = performance.now();
    const { task_id, task_type, attempt } = task;
    const error = await attemptOnce(handlers[task_type]!, task);
    const outcome = await until(() => settle(handlers[task_type]!, task, error));
    log.info({ task_id, task_type, attempt, ms: Math.round(performance.now() - started), error }, outcome);
  }

  async function settle(handler: Handler, task: Task, error: string | undefined): Promise<string> {
    if (error === undefined) {
      await finish(sql, workerId, task);
      return "done";
    }
    if (task.attempt >= handler.maxAttempts) {
      await bury(sql, workerId, task, error);
      return "dead";
    }
    await retryLater(sql, workerId, task, error, handler.backoffSeconds(task.attempt));
    return "failed";
  }

  async function keepAlive(): Promise<void> {
    await beat(sql, workerId, hostname(), process.pid);
    await freeTheDead(sql, leaseSeconds);
  }

  async function forever(step: () => Promise<void>, pauseMilliseconds: number): Promise<void> {
    while (!stopping.signal.aborted) {
      await until(step);
      await nap(pauseMilliseconds);
    }
  }

  /** A statement that could not reach the database is tried again: what has happened outside must be written down. */
  async function until<Result>(statement: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await statement();
      } catch (error) {
        if (stopping.signal.aborted) throw error;
        log.error({ err: error }, "a statement failed");
        await nap(pollMilliseconds);
      }
    }
  }

  const nap = (milliseconds: number) => delay(milliseconds, undefined, { signal: stopping.signal }).catch(() => {});

  const sweeping = until(keepAlive).then(() => {
    log.info({ worker_id: workerId, types: Object.keys(handlers) }, "sweeping");
    return Promise.all([forever(keepAlive, heartbeatMilliseconds), forever(sweep, 0)]);
  });

  return {
    async stop() {
      stopping.abort();
      await sweeping.catch(() => {});
      await Promise.race([Promise.allSettled(inHand), delay(drainMilliseconds, undefined, { ref: false })]);
      await leave(sql, workerId);
    },
  };
}

/** Runs the handler; what went wrong comes back as text. */
async function attemptOnce(handler: Handler, task: Task): Promise<string | undefined> {
  // The start before this one was the last, and it ended without a word.
  if (task.attempt > handler.maxAttempts) return "The worker died during the last attempt.";
  try {
    await handler.run(task.params, task);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
