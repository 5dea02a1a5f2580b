import type { Load } from "../storm/load.ts";
import type { Random } from "../storm/random.ts";
import { until } from "../until.ts";
import { settled, whole, type Cluster } from "./cluster.ts";
import { kinds, type Fault, type Kind } from "./fault-kinds.ts";

/** A fault that is over: how long no signup was accepted, and after how long the cluster was whole again. */
export type Outage = { kind: Kind; secondsWithoutWrites: number; secondsUntilWhole: number };

/** Plans the same faults for the same seed: each kind once before any comes again. */
export function planFaults(
  random: Random,
  count: number,
  some: readonly Kind[] = Object.keys(kinds) as Kind[],
): Fault[] {
  const kind = random.deck(some);
  return Array.from({ length: count }, () => ({
    kind: kind(),
    place: Math.floor(random.between(0, 30)),
    strength: random.between(0, 1),
  }));
}

/** Injects one fault after the other. Each meets a cluster that is whole and accepts signups. */
export async function injectAll(cluster: Cluster, faults: Fault[], { takenAt }: Load): Promise<Outage[]> {
  const outages: Outage[] = [];
  for (const fault of faults) {
    const { leading, standby } = await settled(cluster);
    console.log(`${fault.kind} (leader: ${leading.name})`);
    const start = performance.now();
    await kinds[fault.kind]({ cluster, leading, standby: standby! }, fault);
    await whole(cluster);
    const end = performance.now();
    await until("signups are accepted", () => takenAt.at(-1)! > end, 60);

    const secondsWithoutWrites = longestGap(takenAt, start) / 1000;
    outages.push({ kind: fault.kind, secondsWithoutWrites, secondsUntilWhole: (end - start) / 1000 });
    const seconds = [secondsWithoutWrites, (end - start) / 1000].map((number) => number.toFixed(1));
    console.log(`${seconds[0]} s without writes, whole after ${seconds[1]} s`);
  }
  return outages;
}

/** The longest time between two signups that followed each other after the start. */
export function longestGap(takenAt: number[], start: number): number {
  const after = takenAt.filter((at) => at > start);
  return Math.max(...after.map((at, place) => at - (after[place - 1] ?? start)));
}
