import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable } from "../../../app/db/connect.ts";
import { kinds, type Fault, type Kind, type Inject, type World } from "./fault-kinds.ts";
import type { Random } from "./random.ts";

/**
 * Plans the same faults for the same seed. Each kind comes once before any comes again. When all others are over, the
 * network goes silent: web and workers must recover by themselves.
 */
export function planFaults(random: Random, stormSeconds: number): Fault[] {
  const faults: Fault[] = [];
  const kind = random.deck(Object.keys(kinds) as Kind[]);
  const draw = (atSeconds: number, drawn: Kind): Fault => ({
    atSeconds,
    kind: drawn,
    place: Math.floor(random.between(0, 30)),
    intensity: random.between(0, 1),
  });
  for (let atSeconds = 1; atSeconds < stormSeconds; atSeconds += random.between(0.6, 2.4)) {
    faults.push(draw(atSeconds, kind()));
  }
  return [...faults, draw(stormSeconds, "the network goes silent")];
}

/** Injects each fault at its time, also during earlier ones, and the last after all. Resolves when all are over. */
export async function injectAll(world: World, faults: Fault[]): Promise<void> {
  const started = performance.now();
  const last = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  for (const fault of faults) {
    await delay(Math.max(0, started + fault.atSeconds * 1000 - performance.now()));
    if (fault === faults.at(-1)) await Promise.all(last.values());
    // One of a kind at a time, and one of Postgres: a server that is down cannot crash.
    const queue = fault.kind.startsWith("Postgres") ? "Postgres" : fault.kind;
    last.set(queue, inject(world, fault, failures, last.get(queue)));
  }
  await Promise.all(last.values());
  if (failures.length > 0) throw new AggregateError(failures, "A fault could not be injected.");
}

async function inject(world: World, fault: Fault, failures: unknown[], before?: Promise<void>): Promise<void> {
  await before;
  const kind: Inject = kinds[fault.kind];
  // Its statement may fail by another fault.
  await kind(world, fault).catch((error: unknown) => isUnavailable(error) || failures.push(error));
}
