import { z } from "zod";
import type { Sql } from "../../app/db.ts";
import { defineHandler, type Handler } from "../task.ts";

const deadDays = 90;
const errorDays = 30;
const batch = 10_000;

/** Forgets dead tasks after 90 days, and the errors of attempts after 30 unless their task is dead and still there. */
export function pruneHistory(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      await untilFewer(
        signal,
        async () => sql`
        delete from task_dead
        where task_id in (
          select task_id from task_dead where died_at < now() - make_interval(days => ${deadDays}) limit ${batch}
        )
      `,
      );
      await untilFewer(
        signal,
        async () => sql`
        delete from task_error
        where (task_id, attempt) in (
          select task_id, attempt
          from task_error
          where failed_at < now() - make_interval(days => ${errorDays})
            and not exists (select from task_dead where task_dead.task_id = task_error.task_id)
          limit ${batch}
        )
      `,
      );
    },
  });
}

/** In batches, so that no statement holds its locks and its snapshot for long. */
async function untilFewer(signal: AbortSignal, statement: () => Promise<{ count: number }>): Promise<void> {
  let count = batch;
  while (count === batch) {
    signal.throwIfAborted();
    ({ count } = await statement());
  }
}
