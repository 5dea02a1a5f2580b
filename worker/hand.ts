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
  /** Resolves once, never rejects: at the handler's end, at its time-out, or when it is dropped. */
  outcome: Promise<Outcome>;
  /** Aborts the handler's signal; with it the attempt has ended, whatever the handler still does. */
  drop(reason: string): void;
};

/** Starts a task, unless its earlier attempts forbid it. A handler that never settles is left behind at its time-out. */
export function start(sql: Sql, handler: Handler, task: Task): Hand {
  const refusal = reasonToRefuse(handler, task);
  if (refusal) {
    const outcome = Promise.resolve<Outcome>({ kind: "refused", verdict: { kind: "permanent" }, error: refusal });
    return { task, outcome, drop() {} };
  }

  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  let abort: AbortController | undefined;
  let isFinished = false;

  const end = (result: Outcome) => {
    clearTimeout(timer);
    resolve(result);
  };
  const stop = (verdict: Verdict, error: string) => {
    abort?.abort(new Error(error));
    abort ??= aborted;
    end({ kind: "failed", verdict, error });
  };
  const { timeoutSeconds } = handler;
  const timer = setTimeout(
    () => stop({ kind: "outcome unknown" }, `Not done within ${timeoutSeconds} s.`),
    timeoutSeconds * 1000,
  );

  const attempt: Attempt<unknown> = {
    params: task.params,
    task,
    // Made when it is asked for: most handlers never do.
    get signal() {
      return (abort ??= new AbortController()).signal;
    },
    async finish(write) {
      abort?.signal.throwIfAborted();
      await sql.begin(async (tx) => {
        // First, so that a worker that lost the task writes nothing.
        const [mine] = await finish(tx, [task]);
        if (!mine) throw new Error("The task is no longer held: nothing was written.");
        await write(tx);
      });
      isFinished = true;
    },
  };
  // Within a promise, so that a handler that throws at once is no different.
  Promise.resolve()
    .then(() => {
      attempt.params = parse(handler, task);
      return handler.run(attempt);
    })
    .then(
      () => end({ kind: isFinished ? "finished" : "done" }),
      (thrown: unknown) =>
        end(
          // What is committed is done; an error after it has nothing left to retry.
          isFinished ? { kind: "finished" } : { kind: "failed", verdict: verdictOf(thrown), error: errorText(thrown) },
        ),
    );
  return { task, outcome, drop: (reason) => stop({ kind: "outcome unknown", delaySeconds: 0 }, reason) };
}

/** A crash is known only when the task is claimed again. */
function reasonToRefuse({ maxAttempts, afterUnknown }: Handler, { attempt, unsettled }: Task): string | undefined {
  if (attempt > maxAttempts) return "The last attempt ended without an outcome.";
  if (unsettled > 0 && afterUnknown === "bury") return "An attempt ended without an outcome: somebody has to look.";
  return undefined;
}

function parse({ params }: Handler, task: Task): unknown {
  const parsed = params.safeParse(task.params);
  if (!parsed.success) throw permanent(`The params do not fit: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const aborted = new AbortController();
aborted.abort(new Error("The attempt has ended."));
