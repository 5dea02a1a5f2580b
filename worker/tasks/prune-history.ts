import { z } from "zod";
import type { Sql } from "../../app/db/connect.ts";
import { defineHandler, type Handler } from "../engine/task.ts";
import { untilFewer } from "./until-fewer.ts";

const deadDays = 90;
const errorDays = 30;
const statisticsHours = 2;
const batch = 10_000;

/** Deletes dead tasks after 90 days, other tasks' errors after 30 days, and attempt statistics after 2 hours. */
export function pruneHistory(sql: Sql): Handler {
  return defineHandler({
    params: z.object({}),
    timeoutSeconds: 600,
    concurrency: 1,

    async run({ signal }) {
      await untilFewer(
        batch,
        signal,
        async () => sql`
        delete from task_dead
        where task_id in (
          select task_id from task_dead where died_at < now() - make_interval(days => ${deadDays}) limit ${batch}
        )
      `,
      );
      await untilFewer(
        batch,
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
      await sql`
        delete from attempt_statistics
        where minute < now() - make_interval(hours => ${statisticsHours}) and minute > '-infinity'
      `;
    },
  });
}
