import type { z } from "zod";

/** A row of `task` that this worker holds. */
export type Task = {
  task_id: string;
  task_type: string;
  params: unknown;
  /** Starts so far, this one included. It is committed before the handler runs. */
  attempt: number;
  /** Microseconds since 1970 at which the task was owed. */
  born: string;
  /** By the database's clock. */
  claimed_at: Date;
};

/** What one task type needs: the shape of its params, how often it may start, and what it does. */
export type Handler<Params = unknown> = {
  params: z.ZodType<Params>;
  maxAttempts: number;
  /** Seconds before the next attempt, after so many. */
  backoffSeconds(attempt: number): number;
  run(params: Params, task: Task): Promise<void>;
};

/** A handler whose params are typed by its own schema. */
export function defineHandler<Params>(handler: Handler<Params>): Handler {
  return { ...handler, run: (params, task) => handler.run(handler.params.parse(params), task) };
}
