import { setImmediate as turn } from "node:timers/promises";
import type { Sql } from "../../app/db.ts";
import type { Log } from "../../app/log.ts";
import { start, type Hand, type Outcome } from "./run-attempt.ts";
import type { Settle, Settled } from "./record-outcomes.ts";
import { isSuspect, type Handler, type Task } from "../task.ts";

type Options = {
  sql: Sql;
  log: Log;
  handlers: Record<string, Handler>;
  settle: Settle;
  /** A hand has come free; the outcome is about to be written down. */
  onFree: (task: Task, outcome: Outcome, milliseconds: number) => void;
};

/** The tasks that this worker has taken, until their outcomes are written down. */
export function createHands({ sql, log, handlers, settle, onFree }: Options) {
  const reserved = new Set<Task>();
  const busy = new Set<Hand>();
  const held = new Map<string, number>();
  const open = new Set<Task>();
  const unwritten: Task[] = [];
  let allWritten = Promise.withResolvers<void>();

  const count = ({ task_type }: Task, change: number) => held.set(task_type, (held.get(task_type) ?? 0) + change);

  function begin(task: Task): void {
    if (!reserved.delete(task)) return;
    const started = performance.now();
    const hand = start(sql, handlers[task.task_type]!, task, (outcome) => end(hand, outcome, started));
    busy.add(hand);
  }

  function end(hand: Hand, outcome: Outcome, started: number): void {
    const { task } = hand;
    busy.delete(hand);
    count(task, -1);
    onFree(task, outcome, performance.now() - started);
    settle(handlers[task.task_type]!, task, outcome, (settled, error) => {
      if (settled) report(task, outcome, settled, performance.now() - started);
      else {
        unwritten.push(task);
        log.error({ err: error, task_id: task.task_id }, "outcome not written down");
      }
      close(task);
    });
  }

  function close(task: Task): void {
    open.delete(task);
    if (open.size === 0) allWritten.resolve();
  }

  function report(task: Task, outcome: Outcome, settled: Settled, milliseconds: number): void {
    const { task_id, task_type, attempt } = task;
    const line = { task_id, task_type, attempt, ms: Math.round(milliseconds), error: errorOf(outcome) };
    if (settled === "lost") log.warn(line, "lost: no longer held by this attempt, nothing was changed");
    // Tasks of a receiver that is down come round again and again.
    else if (settled === "put off") log.debug(line, settled);
    else log.info(line, settled);
  }

  return {
    /** How many tasks are in hand, by type. */
    held: held as ReadonlyMap<string, number>,

    /** How many tasks are in hand. */
    get count(): number {
      return reserved.size + busy.size;
    },

    /** Whether a task is in hand that runs alone. */
    get isAlone(): boolean {
      return [...reserved, ...[...busy].map(({ task }) => task)].some(isSuspect);
    },

    /** All that is held under this worker's name, as far as it knows. */
    get known(): Task[] {
      return [...open, ...unwritten];
    },

    /** Starts the tasks, once the claim for hands that are still free has gone out: Postgres works on it meanwhile. */
    async take(tasks: Task[]): Promise<void> {
      for (const task of tasks) {
        reserved.add(task);
        open.add(task);
        count(task, 1);
      }
      // postgres.js sends what was asked at the end of a turn.
      await turn();
      await turn();
      for (const task of tasks) begin(task);
      await turn();
      // Most are over by now, and a timer for each would have been in vain.
      for (const hand of busy) hand.limitTime();
    },

    drop(reason: string): void {
      for (const task of reserved) {
        count(task, -1);
        close(task);
      }
      reserved.clear();
      for (const hand of busy) hand.drop(reason);
    },

    /** Resolves when nothing is in hand and all outcomes are written down. */
    allSettled(): Promise<void> {
      allWritten = Promise.withResolvers();
      if (open.size === 0) allWritten.resolve();
      return allWritten.promise;
    },
  };
}

export type Hands = ReturnType<typeof createHands>;

const errorOf = (outcome: Outcome) => ("error" in outcome ? outcome.error : undefined);
