import type { z } from "zod";
import type { TransactionSql } from "postgres";

/** A row of `task` that this worker holds. */
export type Task = {
  task_id: string;
  task_type: string;
  params: unknown;
  priority: number;
  /** Starts so far, this one included. It is committed before the handler runs. */
  attempt: number;
  /** Attempts in a row that ended without an outcome: crashes, and shutdowns that did not wait. */
  crashes: number;
  /** Under which session of this worker it was claimed. */
  worker_id: string;
  run_at: string;
  /** `run_at` in seconds since 1970; a double is exact to the microsecond. */
  due_since: number;
  /** `created_at` in seconds since 1970, with all six decimals. */
  born: string;
  /** By the database's clock. */
  claimed_at: Date;
};

/** A poison task: it crashed its worker twice in a row, and runs isolated. */
export const isPoison = ({ crashes }: Task) => crashes >= 2;

/** An event for the feed: what happened, with no address in it, and to which user, if any. */
export type Emitted = { event_type: string; usr_id?: string | undefined; data?: Record<string, string> };

/** What a handler gets. */
export type Attempt<Params> = {
  params: Params;
  task: Task;
  /** Aborts at the time-out, at the end of a shutdown, and when the worker has lost the task. */
  signal: AbortSignal;
  /** Appends one event in the statement that deletes the task. Before `finish`, where that is used. */
  emit: (event: Emitted) => void;
  /** Commits these writes together with the task's deletion, or throws and commits nothing. At most once, and last. */
  finish: (write: (tx: TransactionSql) => Promise<unknown>) => Promise<void>;
};

/** What one task type needs. */
export type Handler<Params = unknown> = {
  params: z.ZodType<Params>;
  /** Starts, crashes included, before the task is dead. */
  maxAttempts: number;
  timeoutSeconds: number;
  /** Tasks of this type that run at once, per process. */
  concurrency: number;
  /** Seconds before the next attempt, after so many. */
  backoffSeconds(attempt: number): number;
  /** What becomes of a task whose attempt ended without an outcome: a crash, or a time-out. */
  afterUnknown: "retry" | "bury";
  /** Resolves when the work is done; throws an error of `errors.ts`, or any other, when it is not. */
  run(attempt: Attempt<Params>): Promise<unknown>;
};

type Options<Params> = Partial<Handler<Params>> & Pick<Handler<Params>, "params" | "run">;

/** A handler with what it leaves out filled in; the params that `run` gets are typed by their schema. */
export function defineHandler<Params>(options: Options<Params>): Handler {
  return {
    maxAttempts: 10,
    timeoutSeconds: 60,
    concurrency: Infinity,
    backoffSeconds: (attempt) => equalJitter(Math.min(2 ** attempt, 3600)),
    afterUnknown: "retry",
    ...options,
  };
}

/** Half of it fixed, half random: tasks that failed together don't come back together. */
export function equalJitter(seconds: number): number {
  return seconds / 2 + (Math.random() * seconds) / 2;
}
