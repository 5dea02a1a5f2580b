import { z } from "zod";
import type { Sql } from "../app/db.ts";
import { errorText } from "./error-text.ts";
import { finish } from "./statements.ts";
import type { Attempt, Handler, Task } from "./task.ts";
import { permanent, verdictOf, type Verdict } from "./verdict.ts";

/**
 * How an attempt ended. `finished`: the handler has committed the task's deletion together with its own writes.
 * `refused`: it was not started at all.
 */
export type Outcome =
  { kind: "done" } | { kind: "finished" } | { kind: "failed" | "refused"; verdict: Verdict; error: string };

export type Hand = {
  task: Task;
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
  const timer = setTimeout(
    () => stop({ kind: "outcome unknown" }, `Not done within ${handler.timeoutSeconds} s.`),
    handler.timeoutSeconds * 1000,
  );

  const attempt: Attempt<unknown> = {
    params: task.params,
    task,
    // Made when it is asked for: most handlers never do.
    get signal() {
      abort ??= new AbortController();
      if (isOver) abort.abort(new Error("The attempt has ended."));
      return abort.signal;
    },
    async finish(write) {
      if (isOver) throw new Error("The attempt has ended: nothing was written.");
      const limit = String(Math.ceil(handler.timeoutSeconds * 1000));
      await sql.begin(async (tx) => {
        // A transaction that hangs would keep the row, and with it the word that the attempt has failed.
        await tx`
          select
            set_config('statement_timeout', ${limit}, true),
            set_config('idle_in_transaction_session_timeout', ${limit}, true)
        `;
        // First, so that a worker that lost the task writes nothing.
        const [mine] = await finish(tx, [task]);
        if (!mine) throw new Error("The task is no longer held: nothing was written.");
        await write(tx);
      });
      isFinished = true;
    },
  };
  attemptOnce(handler, attempt).then(
    () => end({ kind: isFinished ? "finished" : "done" }),
    (thrown: unknown) => {
      // What is committed is done; an error after it has nothing left to retry.
      if (isFinished) return end({ kind: "finished" });
      const kind = thrown instanceof Error && refused.has(thrown) ? "refused" : "failed";
      end({ kind, verdict: verdictOf(thrown), error: errorText(thrown) });
    },
  );
  return { task, drop: (reason) => stop({ kind: "outcome unknown", delaySeconds: 0 }, reason) };
}

async function attemptOnce(handler: Handler, attempt: Attempt<unknown>): Promise<unknown> {
  const refusal = reasonToRefuse(handler, attempt.task);
  if (refusal) return refuse(refusal);
  const parsed = handler.params.safeParse(attempt.params);
  if (!parsed.success) throw permanent(`The params do not fit: ${z.prettifyError(parsed.error)}`);
  attempt.params = parsed.data;
  return handler.run(attempt);
}

/** A crash is known only when the task is claimed again. */
function reasonToRefuse({ maxAttempts, afterUnknown }: Handler, { attempt, unsettled }: Task): string | undefined {
  if (attempt > maxAttempts) return "The last attempt ended without an outcome.";
  if (unsettled > 0 && afterUnknown === "bury") return "An attempt ended without an outcome: somebody has to look.";
  return undefined;
}

function refuse(reason: string): never {
  const error = permanent(reason);
  refused.add(error);
  throw error;
}

const refused = new WeakSet<object>();
