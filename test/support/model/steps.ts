import * as fc from "fast-check";
import { claimSome, find, race } from "./claims.ts";
import { types } from "./model.ts";
import { crash, fallSilent, heartbeat, joinAgain, reclaimTasks, stop } from "./sessions.ts";
import { failSome, finishSome, insert, releaseSome } from "./tasks.ts";

const who = fc.nat(2);
const part = [who, fc.nat(9), fc.integer({ min: 1, max: 4 })] as const;
const insertions = fc
  .tuple(
    fc.constantFrom(...types, "UNKNOWN"),
    fc.constantFrom(-1, 0, 1),
    fc.nat(4).map((one) => one > 0),
    fc.option(fc.constantFrom("k1", "k2"), { freq: 2 }),
    fc.integer({ min: 1, max: 600 }),
  )
  .map((words) => insert(...words));
const pattern = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });
const delays = fc.array(fc.constantFrom(0, 0, 3600, null), { minLength: 1, maxLength: 3 });

/** The possible steps. Those listed more than once are more frequent. */
export const steps = [
  insertions,
  insertions,
  insertions,
  who.map(joinAgain),
  who.map(joinAgain),
  who.map(heartbeat),
  who.map(fallSilent),
  who.map(find),
  fc.tuple(who, pattern).map((words) => claimSome(...words)),
  fc.tuple(who, pattern).map((words) => claimSome(...words)),
  fc.constant(null).map(race),
  fc.tuple(...part).map((words) => finishSome(...words)),
  fc.tuple(...part, delays, fc.boolean()).map((words) => failSome(...words)),
  fc.tuple(...part).map((words) => releaseSome(...words)),
  fc.constant(null).map(reclaimTasks),
  who.map(stop),
  who.map(crash),
  who.map(crash),
];
