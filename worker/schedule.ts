import type { WorkerEnv } from "../app/env.ts";
import type { Module } from "./module.ts";
import * as modules from "./modules.ts";
import type { Recurring } from "./recurring.ts";

/** The recurring tasks: the core's, then the modules'. Mails go out in the readers' time zone. */
export const schedule = (env: Pick<WorkerEnv, "TZ_MAIL">): Recurring[] => [
  { name: "prune history", task_type: "PRUNE_HISTORY", daily_at: "03:30", time_zone: "UTC" },
  { name: "prune expired", task_type: "PRUNE_EXPIRED", every_minutes: 60 },
  { name: "prune events", task_type: "PRUNE_EVENTS", daily_at: "03:40", time_zone: "UTC" },
  { name: "delete unverified", task_type: "DELETE_UNVERIFIED", daily_at: "03:45", time_zone: "UTC" },
  { name: "remind unverified", task_type: "REMIND_UNVERIFIED", daily_at: "09:00", time_zone: env.TZ_MAIL },
  ...Object.values<Module>(modules).flatMap((module) => module.schedule?.(env) ?? []),
];
