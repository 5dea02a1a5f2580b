import type { Sql } from "../app/db.ts";
import { batched } from "./batch.ts";
import type { Outcome } from "./hand.ts";
import { fail, finish, type Failure, type Held, type Written } from "./statements.ts";
import type { Handler, Task } from "./task.ts";
import type { Verdict } from "./verdict.ts";

/** What became of an attempt. `lost`: somebody else holds the task by now, and nothing was changed. */
export type Settled = "done" | "failed" | "dead" | "lost";

/** Writes outcomes down, many in one statement. `until` repeats a statement while the database is away. */
export function createSettle(sql: Sql, until: <Result>(statement: () => Promise<Result>) => Promise<Result>) {
  const finishOne = batched((tasks: Held[]) => until(async () => answers(tasks, await finish(sql, tasks))));
  const failOne = batched((failures: Failure[]) => until(async () => answers(failures, await fail(sql, failures))));

  return async (handler: Handler, task: Task, outcome: Outcome): Promise<Settled> => {
    if (outcome.kind === "finished") return "done";
    if (outcome.kind === "done") return (await finishOne(task)) ? "done" : "lost";

    const delay = delaySeconds(handler, task, outcome.verdict);
    const { task_id, attempt, worker_id } = task;
    const failure = { task_id, attempt, worker_id, error: outcome.error, delay_seconds: delay, is_unstarted: false };
    if (!(await failOne({ ...failure, is_unstarted: outcome.kind === "refused" }))) return "lost";
    return delay === null ? "dead" : "failed";
  };
}

const longestDelaySeconds = 366 * 24 * 3600;
const fallbackSeconds = 3600;

/** Seconds until the next attempt, or null when there is none. */
function delaySeconds(handler: Handler, { attempt }: Task, verdict: Verdict): number | null {
  const isOver = attempt >= handler.maxAttempts || verdict.kind === "permanent";
  if (isOver || (verdict.kind === "outcome unknown" && handler.afterUnknown === "bury")) return null;
  // What Postgres can't add to a time (a date read as a number) would leave the task held for ever.
  const delay = [verdict.delaySeconds, handler.backoffSeconds(attempt)].find(Number.isFinite) ?? fallbackSeconds;
  return Math.min(Math.max(delay, 0), longestDelaySeconds);
}

function answers(asked: Held[], written: Written[]): boolean[] {
  const keys = new Set(written.map(key));
  return asked.map((task) => keys.has(key(task)));
}

const key = ({ task_id, attempt }: Written) => `${task_id} ${attempt}`;
