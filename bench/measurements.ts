import type { Measurement } from "./bench.ts";
import { backlog } from "./measurements/backlog.ts";
import { engineSize } from "./measurements/engine-size.ts";
import { mails } from "./measurements/mails.ts";
import { pickUp } from "./measurements/pick-up.ts";
import { queueDrained } from "./measurements/queue-drained.ts";
import { queueSteady, queueSteadyLong } from "./measurements/queue-steady.ts";
import { signUpPickUp } from "./measurements/sign-up-pick-up.ts";
import { signup } from "./measurements/signup.ts";
import { signupCheapHash } from "./measurements/signup-cheap-hash.ts";
import { startUp } from "./measurements/start-up.ts";
import { workers } from "./measurements/workers.ts";

type Entry = {
  name: string;
  title: string;
  measure: Measurement;
  /** Takes ten minutes: runs only with --long or by its name. */
  isLong?: boolean;
};

/** Every measurement, in the order of the results. */
export const measurements: Entry[] = [
  { name: "queue-drained", title: "Queue, drained", measure: queueDrained },
  { name: "queue-steady", title: "Queue, steady, under a held snapshot", measure: queueSteady },
  { name: "queue-steady-long", title: "Queue, steady for ten minutes", measure: queueSteadyLong, isLong: true },
  { name: "backlog", title: "Backlog curve", measure: backlog },
  { name: "workers", title: "Workers", measure: workers },
  { name: "pick-up", title: "Pick-up", measure: pickUp },
  { name: "sign-up-pick-up", title: "Pick-up after a signup", measure: signUpPickUp },
  { name: "signup", title: "Signup over HTTP", measure: signup },
  { name: "signup-cheap-hash", title: "Signup without the hash's cost", measure: signupCheapHash },
  { name: "mails", title: "Welcome mails, end to end", measure: mails },
  { name: "start-up", title: "Start-up and memory", measure: startUp },
  { name: "engine-size", title: "The engine's size", measure: engineSize },
];
