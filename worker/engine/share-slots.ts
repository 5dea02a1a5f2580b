import type { Lane } from "./lanes.ts";

/** How many more tasks of a type may start, how many are running, and in which claim the type was last served. */
export type Room = { room: number; running: number; served: number };

type Slots = {
  free: number;
  /** How many of them go to lanes whose front has waited too long. */
  aged: number;
  /** How many are kept, at most, for types that have nothing running. */
  mostReserved?: number;
};

/**
 * How many tasks to take from each lane. Aged lanes come first, the oldest before the others, for at most `aged` slots. The
 * rest is strict by priority: the lower number runs first. Within a priority a slot goes to the type with the fewest running
 * tasks, then to the one served longest ago. One slot for each type that has nothing running is kept from the others, so that
 * no type ever takes all.
 */
export function shareSlots(
  lanes: Lane[],
  rooms: Map<string, Room>,
  { free, aged, mostReserved = Infinity }: Slots,
): number[] {
  const quotas = new Map(lanes.map((lane) => [lane, 0]));
  const types = new Map([...rooms].map(([type, room]) => [type, { ...room }]));
  let idle = [...types.values()].filter(({ running }) => running === 0).length;
  let left = free;

  /** Gives the lane one slot, if it may have one. */
  const give = (lane: Lane): boolean => {
    const type = types.get(lane.task_type)!;
    const mayTake = left > 0 && type.room > 0 && (type.running === 0 || left > Math.min(idle, mostReserved));
    if (!mayTake) return false;
    if (type.running === 0) idle -= 1;
    left -= 1;
    type.running += 1;
    type.room -= 1;
    quotas.set(lane, quotas.get(lane)! + 1);
    return true;
  };

  let agedLeft = aged;
  for (const lane of lanes.filter(({ is_aged }) => is_aged).toSorted((a, b) => a.due_since - b.due_since)) {
    while (agedLeft > 0 && give(lane)) agedLeft -= 1;
  }

  const runningOf = ({ task_type }: Lane) => types.get(task_type)!.running;
  const servedOf = ({ task_type }: Lane) => types.get(task_type)!.served;
  const byPriority = Map.groupBy(lanes, ({ priority }) => priority);
  for (const priority of [...byPriority.keys()].toSorted((a, b) => a - b)) {
    const waiting = byPriority
      .get(priority)!
      .toSorted((a, b) => runningOf(a) - runningOf(b) || servedOf(a) - servedOf(b))
      .toReversed();
    // Slots go round level by level: to the lanes with the fewest running tasks, until they have as many as the next.
    let level: Lane[] = [];
    for (let running = 0; level.length + waiting.length > 0; running += 1) {
      if (level.length === 0) running = runningOf(waiting.at(-1)!);
      while (waiting.length > 0 && runningOf(waiting.at(-1)!) <= running) level.push(waiting.pop()!);
      level = level.filter(give);
    }
  }
  return [...quotas.values()];
}
