import type { Measurement } from "./bench.ts";
import { backlog } from "./measurements/backlog.ts";
import { mails } from "./measurements/mails.ts";
import { pickUp } from "./measurements/pick-up.ts";
import { queueDrained } from "./measurements/queue-drained.ts";
import { queueSteady } from "./measurements/queue-steady.ts";
import { signup } from "./measurements/signup.ts";
import { signupCheapHash } from "./measurements/signup-cheap-hash.ts";
import { startUp } from "./measurements/start-up.ts";
import { workers } from "./measurements/workers.ts";

type Entry = { name: string; title: string; measure: Measurement };

/** Every measurement, in the order of the results. */
export const measurements: Entry[] = [
  { name: "queue-drained", title: "Queue, drained", measure: queueDrained },
  { name: "queue-steady", title: "Queue, steady, under a held snapshot", measure: queueSteady },
  { name: "backlog", title: "Backlog curve", measure: backlog },
  { name: "workers", title: "Workers", measure: workers },
  { name: "pick-up", title: "Pick-up", measure: pickUp },
  { name: "signup", title: "Signup over HTTP", measure: signup },
  { name: "signup-cheap-hash", title: "Signup without the hash's cost", measure: signupCheapHash },
  { name: "mails", title: "Welcome mails, end to end", measure: mails },
  { name: "start-up", title: "Start-up and memory", measure: startUp },
];
