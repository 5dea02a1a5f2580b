import type { Recurring } from "./recurring.ts";

/** What is owed again and again, by whichever worker comes first. */
export const schedule: Recurring[] = [
  { name: "prune history", task_type: "PRUNE_HISTORY", daily_at: "03:30", time_zone: "UTC" },
];
