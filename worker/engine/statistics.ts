import type { Sql } from "../../app/db.ts";
import type { Outcome } from "./run-attempt.ts";

/** Attempts of a type, done or failed, that took at most so long, and longer than the next lower bound. */
export type Count = {
  task_type: string;
  is_failure: boolean;
  up_to_seconds: number;
  attempts: number;
  seconds: number;
};

const bounds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, Infinity];

/** Counts attempts until they are told. */
export function createTally() {
  const counts = new Map<string, Count>();

  function add({ task_type, is_failure, up_to_seconds, attempts, seconds }: Count): void {
    const key = JSON.stringify([task_type, is_failure, String(up_to_seconds)]);
    const count = counts.get(key) ?? { task_type, is_failure, up_to_seconds, attempts: 0, seconds: 0 };
    counts.set(key, { ...count, attempts: count.attempts + attempts, seconds: count.seconds + seconds });
  }

  return {
    note(task_type: string, outcome: Outcome, seconds: number): void {
      if (!isTried(outcome)) return;
      const is_failure = outcome.kind === "failed";
      add({ task_type, is_failure, up_to_seconds: bounds.find((bound) => seconds <= bound)!, attempts: 1, seconds });
    },

    /** Adds what was counted to the table; what can't be told now is told the next time. */
    async tell(sql: Sql): Promise<void> {
      const untold = [...counts.values()];
      if (untold.length === 0) return;
      counts.clear();
      try {
        await addToTally(sql, untold);
      } catch (error) {
        untold.forEach(add);
        throw error;
      }
    },
  };
}

const isTried = (outcome: Outcome) =>
  outcome.kind !== "refused" && !(outcome.kind === "failed" && outcome.verdict.kind === "put off");

export type Tally = ReturnType<typeof createTally>;

function addToTally(sql: Sql, counts: Count[]) {
  return sql`
    insert into attempt_tally (minute, task_type, is_failure, up_to_seconds, attempts, seconds)
    select minute, task_type, is_failure = 1, up_to_seconds, attempts, seconds
    from unnest(
      ${counts.map(({ task_type }) => task_type)}::text[],
      ${counts.map(({ is_failure }) => Number(is_failure))}::smallint[],
      ${counts.map(({ up_to_seconds }) => up_to_seconds)}::real[],
      ${counts.map(({ attempts }) => attempts)}::bigint[],
      ${counts.map(({ seconds }) => seconds)}::float8[]
    ) as count (task_type, is_failure, up_to_seconds, attempts, seconds)
    cross join unnest(array[date_trunc('minute', now()), '-infinity']) as minute
    -- The same order in all workers, so that no two wait for each other.
    order by minute, task_type, is_failure, up_to_seconds
    on conflict (minute, task_type, is_failure, up_to_seconds) do update
    set attempts = attempt_tally.attempts + excluded.attempts, seconds = attempt_tally.seconds + excluded.seconds
  `;
}
