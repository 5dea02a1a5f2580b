import { z } from "zod";
import type { TransactionSql } from "postgres";
import { finish } from "./outcomes.ts";
import type { Attempt, Emitted, Handler, Task } from "./task.ts";
import { lockTimeout, type Transactions } from "./transactions.ts";
import { failureOf, Permanent } from "./errors.ts";

/**
 * How an attempt ended. `recorded`: its outcome is committed already, by `finish` or by the process that ran it isolated.
 * `refused`: it was not started at all. `released`: neither, and another worker may start it.
 */
export type Outcome =
  | { kind: "done"; event?: Emitted | undefined }
  | { kind: "recorded" }
  | ReturnType<typeof failureOf>
  | { kind: "refused"; error: string; delaySeconds?: undefined }
  | { kind: "released"; delaySeconds?: number };

export type Running = {
  task: Task;
  /** Sets the time-out, unless it is set or the attempt has ended. To be called soon: until then there is none. */
  limitTime(): void;
  /** Ends the attempt and aborts the handler's signal, whatever the handler still does. */
  drop(reason: string): void;
};

/**
 * Runs a handler, unless the task's earlier attempts forbid it. `onEnd` is called once, and not before this has returned:
 * at the handler's end, at its time-out (a handler that never settles is left behind), or when it is dropped.
 */
export function runAttempt(
  transactions: Transactions,
  handler: Handler,
  task: Task,
  onEnd: (outcome: Outcome) => void,
): Running {
  let isOver = false;
  let isFinished = false;
  let abort: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let event: Emitted | undefined;

  const end = (outcome: Outcome) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    onEnd(outcome);
  };
  const stop = (outcome: Outcome & { error: string }) => {
    end(outcome);
    abort?.abort(new Error(outcome.error));
  };
  const refuseIfOver = () => {
    if (isOver) throw new Error("The attempt has ended: nothing was written.");
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
    emit(emitted) {
      event = emitted;
    },
    async finish(write) {
      await transactions(task.task_type, handler.timeoutSeconds, refuseIfOver, async (tx: TransactionSql) => {
        // First, so that a worker that lost the task writes nothing.
        const [mine] = await finish(tx, [{ ...task, event }], lockTimeout);
        if (!mine) throw new Error("Another worker has the task by now: nothing was written.");
        await write(tx);
      });
      isFinished = true;
    },
  };
  const success = (): Outcome => (event ? { kind: "done", event } : done);
  call(handler, attempt).then(
    () => end(isFinished ? recorded : success()),
    (thrown: unknown) => {
      // What is committed is done; an error after it has nothing left to retry.
      if (isFinished) return end(recorded);
      if (thrown instanceof Refusal) return end({ kind: "refused", error: thrown.message });
      end(failureOf(thrown));
    },
  );
  return {
    task,
    limitTime() {
      if (isOver || timer) return;
      const seconds = handler.timeoutSeconds;
      timer = setTimeout(
        () => stop({ kind: "outcome unknown", error: `Not done within ${seconds} s.` }),
        seconds * 1000,
      );
    },
    drop: (reason) => stop({ kind: "outcome unknown", delaySeconds: 0, error: reason }),
  };
}

const done: Outcome = { kind: "done" };
const recorded: Outcome = { kind: "recorded" };

class Refusal extends Error {}

function call(handler: Handler, attempt: Attempt<unknown>): Promise<unknown> {
  try {
    const refusal = reasonToRefuse(handler, attempt.task);
    if (refusal) return Promise.reject(new Refusal(refusal));
    const parsed = handler.params.safeParse(attempt.params);
    if (!parsed.success) throw new Permanent(`The params do not fit: ${z.prettifyError(parsed.error)}`);
    attempt.params = parsed.data;
    // Not awaited: one promise less for each task. A handler that is no async function may return anything.
    return Promise.resolve(handler.run(attempt));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Why a task is dead without another start, if it is: a crash is known only when it is claimed again. */
export function reasonToRefuse({ maxAttempts, afterUnknown }: Handler, { attempt, crashes }: Task): string | undefined {
  if (attempt > maxAttempts) return "The last attempt ended without an outcome.";
  if (crashes > 0 && afterUnknown === "bury") return "An attempt ended without an outcome: somebody has to look.";
  return undefined;
}
