import { readyLimitSeconds, type Web } from "../storm/fleet.ts";
import type { Load } from "../storm/load.ts";
import type { Random } from "../storm/random.ts";
import { until } from "../until.ts";
import { untilHealthy, untilStable, type Cluster } from "./cluster.ts";
import { kinds, type Fault, type Kind } from "./fault-kinds.ts";

/** A fault that is over: how long each web process accepted no signup, and after how long the cluster was healthy. */
export type Outage = { kind: Kind; secondsWithoutWrites: number[]; secondsUntilHealthy: number };

/** Plans the same faults for the same seed: each kind once before any comes again. */
export function planFaults(random: Random, count: number): Fault[] {
  const kind = random.deck(Object.keys(kinds) as Kind[]);
  return Array.from({ length: count }, () => ({
    kind: kind(),
    place: Math.floor(random.between(0, 30)),
    intensity: random.between(0, 1),
  }));
}

/** Injects one fault after the other. Each starts when the cluster is healthy and accepts signups. */
export async function injectAll(cluster: Cluster, faults: Fault[], load: Load, webs: Web[]): Promise<Outage[]> {
  const outages: Outage[] = [];
  for (const fault of faults) {
    const { leading, standby } = await untilStable(cluster);
    console.log(`${fault.kind} (leader: ${leading.name})`);
    const start = performance.now();
    await kinds[fault.kind]({ cluster, leading, standby: standby! }, fault);
    await untilHealthy(cluster);
    const end = performance.now();
    for (const web of webs) {
      await until(`${web.name} accepts signups`, () => load.acceptedAt(web).at(-1)! > end, readyLimitSeconds);
    }

    const secondsWithoutWrites = webs.map((web) => longestGap(load.acceptedAt(web), start) / 1000);
    const secondsUntilHealthy = (end - start) / 1000;
    outages.push({ kind: fault.kind, secondsWithoutWrites, secondsUntilHealthy });
    const without = secondsWithoutWrites.map((seconds) => seconds.toFixed(1)).join(" and ");
    console.log(`${without} s without writes, healthy after ${secondsUntilHealthy.toFixed(1)} s`);
  }
  return outages;
}

/** The longest time between two signups that followed each other after the start. */
export function longestGap(acceptedAt: number[], start: number): number {
  const after = acceptedAt.filter((at) => at > start);
  return Math.max(...after.map((at, place) => at - (after[place - 1] ?? start)));
}
