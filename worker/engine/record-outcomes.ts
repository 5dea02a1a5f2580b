import type { Sql } from "../../app/db.ts";
import { batched } from "./batch.ts";
import type { Outcome } from "./run-attempt.ts";
import type { Persist } from "./repeat.ts";
import type { Held, Written } from "./fence.ts";
import { fail, finish, type Done, type Failure } from "./outcomes.ts";
import { putOff, type Delayed } from "./release.ts";
import type { Handler, Task } from "../task.ts";
import type { Verdict } from "../verdict.ts";

/** What became of an attempt. `lost`: somebody else holds the task by now, and nothing was changed. */
export type Settled = "done" | "failed" | "dead" | "put off" | "lost";

export type Settle = ReturnType<typeof createSettle>;

/** Writes outcomes down, many in one statement. `onEvent` is called when an event was written with one. */
export function createSettle(sql: Sql, persist: Persist, onEvent: () => void) {
  const finishOne = batched((tasks: Done[]) => persist(async () => answers(tasks, await finish(sql, tasks))));
  const failOne = batched((failures: Failure[]) => persist(async () => answers(failures, await fail(sql, failures))));
  const putOffOne = batched((tasks: Delayed[]) => persist(async () => answers(tasks, await putOff(sql, tasks))));

  /** Calls `done` once: with what became of the attempt, or with the error for which it could not be written down. */
  return (handler: Handler, task: Task, outcome: Outcome, done: (settled?: Settled, error?: unknown) => void): void => {
    const as = (settled: Settled, hasEvent: boolean) => (isWritten?: boolean, error?: unknown) => {
      if (error) return done(undefined, error);
      if (isWritten && hasEvent) onEvent();
      done(isWritten ? settled : "lost");
    };
    if (outcome.kind === "finished") return done("done");
    if (outcome.kind === "done") {
      const { event } = outcome;
      return finishOne(event ? { ...task, event } : task, as("done", event !== undefined));
    }
    if (outcome.verdict.kind === "put off") {
      return putOffOne({ ...task, delay_seconds: inBounds(outcome.verdict.delaySeconds) }, as("put off", false));
    }
    const delay = delaySeconds(handler, task, outcome.verdict);
    const { task_id, attempt, worker_id } = task;
    const failure = { task_id, attempt, worker_id, error: outcome.error, delay_seconds: delay };
    failOne(
      { ...failure, is_unstarted: outcome.kind === "refused" },
      delay === null ? as("dead", true) : as("failed", false),
    );
  };
}

const longestDelaySeconds = 366 * 24 * 3600;
const fallbackSeconds = 3600;

/** Seconds until the next attempt, or null when there is none. */
function delaySeconds(handler: Handler, { attempt }: Task, verdict: Verdict): number | null {
  const isOver = attempt >= handler.maxAttempts || verdict.kind === "permanent";
  if (isOver || (verdict.kind === "outcome unknown" && handler.afterUnknown === "bury")) return null;
  return inBounds(verdict.delaySeconds, handler.backoffSeconds(attempt));
}

/** The first that is a number. What Postgres can't add to a time (a date read as one) would leave the task held for ever. */
function inBounds(...seconds: (number | undefined)[]): number {
  const delay = seconds.find(Number.isFinite) ?? fallbackSeconds;
  return Math.min(Math.max(delay, 0), longestDelaySeconds);
}

function answers(asked: Held[], written: Written[]): boolean[] {
  const keys = new Set(written.map(key));
  return asked.map((task) => keys.has(key(task)));
}

const key = ({ task_id, attempt }: Written) => `${task_id} ${attempt}`;
