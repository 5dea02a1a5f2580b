import { setImmediate as turn } from "node:timers/promises";
import type { Log } from "../../app/log.ts";
import type { Isolate } from "./isolate.ts";
import type { RecordOutcome, Result } from "./record-outcomes.ts";
import { reasonToRefuse, runAttempt, type Outcome, type Running } from "./run-attempt.ts";
import { isPoison, type Handler, type Task } from "./task.ts";
import type { Transactions } from "./transactions.ts";

type Options = {
  log: Log;
  handlers: Record<string, Handler>;
  /** Concurrency slots of this worker. */
  concurrency: number;
  transactions: Transactions;
  record: RecordOutcome;
  /** Runs a poison task in a process of its own; without it, in this one. */
  isolate?: Isolate | undefined;
  /** A slot is free; the outcome is about to be recorded. */
  onEnd: (task: Task, outcome: Outcome, milliseconds: number) => void;
  /** An outcome is recorded, or given up. */
  onRecorded: () => void;
};

export type Runner = ReturnType<typeof createRunner>;

/** Runs the tasks that this worker has claimed, until their outcomes are recorded. */
export function createRunner(options: Options) {
  const { log, handlers, concurrency, transactions, record, isolate, onEnd, onRecorded } = options;
  const reserved = new Set<Task>();
  const busy = new Set<Running>();
  const held = new Set<Task>();
  const running = new Map<string, number>();
  let allRecorded = Promise.withResolvers<void>();

  const count = ({ task_type }: Task, change: number) => running.set(task_type, (running.get(task_type) ?? 0) + change);

  function begin(task: Task): void {
    if (!reserved.delete(task)) return;
    const started = performance.now();
    const handler = handlers[task.task_type]!;
    const onAttemptEnd = (outcome: Outcome, isRecorded = false) => end(attempt, outcome, started, isRecorded);
    const attempt =
      isolate && isPoison(task) && !reasonToRefuse(handler, task)
        ? isolate(handler, task, onAttemptEnd)
        : runAttempt(transactions, handler, task, onAttemptEnd);
    busy.add(attempt);
  }

  function end(attempt: Running, outcome: Outcome, started: number, isRecorded: boolean): void {
    const { task } = attempt;
    busy.delete(attempt);
    count(task, -1);
    onEnd(task, outcome, performance.now() - started);
    if (isRecorded) return close(task);
    record(task, outcome, (result) => {
      if (result) report(task, outcome, result, performance.now() - started);
      close(task);
    });
  }

  function close(task: Task): void {
    held.delete(task);
    onRecorded();
    if (held.size === 0) allRecorded.resolve();
  }

  function report(task: Task, outcome: Outcome, result: Result, milliseconds: number): void {
    const { task_id, task_type, attempt } = task;
    const error = "error" in outcome ? outcome.error : undefined;
    const line = { task_id, task_type, attempt, ms: Math.round(milliseconds), error };
    if (result === "lost") log.warn(line, "lost: no longer held by this attempt, nothing was changed");
    // Tasks of a receiver that is down come round again and again.
    else if (result === "snoozed" || result === "released") log.debug(line, result);
    else log.info(line, result);
  }

  function release(tasks: Task[]): void {
    for (const task of tasks) {
      held.add(task);
      record(task, { kind: "released" }, () => close(task));
    }
  }

  return {
    /** How many tasks are running, by type. */
    running: running as ReadonlyMap<string, number>,

    /** Free slots. One batch of outcomes may wait to be recorded; beyond that, each takes up a slot. */
    get free(): number {
      return Math.min(concurrency - reserved.size - busy.size, 2 * concurrency - held.size);
    },

    /** All tasks that this worker has claimed, as far as it knows. */
    get held(): Task[] {
      return [...held];
    },

    /** Starts the tasks, once the claim for the next free slots has gone out: Postgres works on it meanwhile. */
    async start(tasks: Task[]): Promise<void> {
      for (const task of tasks) {
        reserved.add(task);
        held.add(task);
        count(task, 1);
      }
      // postgres.js sends what was asked at the end of a turn.
      await turn();
      await turn();
      for (const task of tasks) begin(task);
      await turn();
      // Most are over by now, and a timer for each would have been in vain.
      for (const attempt of busy) attempt.limitTime();
    },

    /** Gives tasks back that were claimed and will not be started. */
    release,

    /** Ends all attempts, and releases what was not started. */
    drop(reason: string): void {
      const unstarted = [...reserved];
      reserved.clear();
      for (const task of unstarted) count(task, -1);
      release(unstarted);
      for (const attempt of busy) attempt.drop(reason);
    },

    /** Resolves when nothing is running and all outcomes are recorded. */
    whenEmpty(): Promise<void> {
      allRecorded = Promise.withResolvers();
      if (held.size === 0) allRecorded.resolve();
      return allRecorded.promise;
    },
  };
}
