import type { WorkerEnv } from "../app/env.ts";
import type { Recurring } from "./recurring.ts";

/** The recurring tasks. Mails go out in the time zone of their readers. */
export const schedule = ({ TZ_MAIL, TZ_OPS }: Pick<WorkerEnv, "TZ_MAIL" | "TZ_OPS">): Recurring[] => [
  { name: "prune history", task_type: "PRUNE_HISTORY", daily_at: "03:30", time_zone: "UTC" },
  { name: "prune expired", task_type: "PRUNE_EXPIRED", every_minutes: 60 },
  { name: "prune events", task_type: "PRUNE_EVENTS", daily_at: "03:40", time_zone: "UTC" },
  { name: "delete unverified", task_type: "DELETE_UNVERIFIED", daily_at: "03:45", time_zone: "UTC" },
  { name: "remind unverified", task_type: "REMIND_UNVERIFIED", daily_at: "09:00", time_zone: TZ_MAIL },
  { name: "digests", task_type: "OWE_DIGESTS", daily_at: "08:00", time_zone: TZ_OPS },
];
