import { z } from "zod";
import type { Sql } from "../../app/db.ts";
import { errorText } from "../error-text.ts";
import { finish } from "./outcomes.ts";
import type { Attempt, Handler, Task, Told } from "../task.ts";
import { transact } from "../transact.ts";
import { permanent, verdictOf, type Verdict } from "../verdict.ts";

/**
 * How an attempt ended. `finished`: the handler has committed the task's deletion together with its own writes.
 * `refused`: it was not started at all.
 */
export type Outcome =
  | { kind: "done"; event?: Told | undefined }
  | { kind: "finished" }
  | { kind: "failed" | "refused"; verdict: Verdict; error: string };

export type Hand = {
  task: Task;
  /** Sets the time-out, unless it is set or the attempt has ended. To be called soon: until then there is none. */
  limitTime(): void;
  /** Aborts the handler's signal; with it the attempt has ended, whatever the handler still does. */
  drop(reason: string): void;
};

/**
 * Starts a task, unless its earlier attempts forbid it. `onEnd` is called once, and not before this has returned:
 * at the handler's end, at its time-out (a handler that never settles is left behind), or when it is dropped.
 */
export function start(sql: Sql, handler: Handler, task: Task, onEnd: (outcome: Outcome) => void): Hand {
  let isOver = false;
  let isFinished = false;
  let abort: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let event: Told | undefined;

  const end = (outcome: Outcome) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    onEnd(outcome);
  };
  const stop = (verdict: Verdict, error: string) => {
    end({ kind: "failed", verdict, error });
    abort?.abort(new Error(error));
  };
  const attempt: Attempt<unknown> = {
    params: task.params,
    task,
    // Made when it is asked for: most handlers never do.
    get signal() {
      abort ??= new AbortController();
      if (isOver) abort.abort(new Error("The attempt has ended."));
      return abort.signal;
    },
    tell(told) {
      event = told;
    },
    async finish(write) {
      if (isOver) throw new Error("The attempt has ended: nothing was written.");
      const limit = String(Math.ceil(handler.timeoutSeconds * 1000));
      await transact(sql, async (tx) => {
        // A transaction that hangs would keep the row, and with it the word that the attempt has failed.
        await tx`
          select
            set_config('statement_timeout', ${limit}, true),
            set_config('idle_in_transaction_session_timeout', ${limit}, true)
        `;
        // First, so that a worker that lost the task writes nothing.
        const [mine] = await finish(tx, [{ ...task, event }]);
        if (!mine) throw new Error("The task is no longer held: nothing was written.");
        await write(tx);
      });
      isFinished = true;
    },
  };
  const success = (): Outcome => (event ? { kind: "done", event } : done);
  attemptOnce(handler, attempt).then(
    () => end(isFinished ? finished : success()),
    (thrown: unknown) => {
      // What is committed is done; an error after it has nothing left to retry.
      if (isFinished) return end(finished);
      const kind = thrown instanceof Error && refused.has(thrown) ? "refused" : "failed";
      end({ kind, verdict: verdictOf(thrown), error: errorText(thrown) });
    },
  );
  return {
    task,
    limitTime() {
      if (isOver || timer) return;
      const seconds = handler.timeoutSeconds;
      timer = setTimeout(() => stop({ kind: "outcome unknown" }, `Not done within ${seconds} s.`), seconds * 1000);
    },
    drop: (reason) => stop({ kind: "outcome unknown", delaySeconds: 0 }, reason),
  };
}

const done: Outcome = { kind: "done" };
const finished: Outcome = { kind: "finished" };

function attemptOnce(handler: Handler, attempt: Attempt<unknown>): Promise<unknown> {
  try {
    const refusal = reasonToRefuse(handler, attempt.task);
    if (refusal) return Promise.reject(refuse(refusal));
    const parsed = handler.params.safeParse(attempt.params);
    if (!parsed.success) throw permanent(`The params do not fit: ${z.prettifyError(parsed.error)}`);
    attempt.params = parsed.data;
    // Not awaited: one promise less for each task. A handler that is no async function may return anything.
    return Promise.resolve(handler.run(attempt));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A crash is known only when the task is claimed again. */
function reasonToRefuse({ maxAttempts, afterUnknown }: Handler, { attempt, unsettled }: Task): string | undefined {
  if (attempt > maxAttempts) return "The last attempt ended without an outcome.";
  if (unsettled > 0 && afterUnknown === "bury") return "An attempt ended without an outcome: somebody has to look.";
  return undefined;
}

function refuse(reason: string): Error {
  const error = permanent(reason);
  refused.add(error);
  return error;
}

const refused = new WeakSet<object>();
