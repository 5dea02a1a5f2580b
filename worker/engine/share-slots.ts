/** Due tasks of one type and priority, oldest first; claims begin at `run_at` and `task_id`. */
export type Lane = {
  task_type: string;
  priority: number;
  run_at: string;
  task_id: string;
  /** `run_at` in seconds since 1970. */
  due_since: number;
  /** Whether its front has been due for over 5 minutes; a suspect, for over 10 seconds. */
  is_aged: boolean;
  /** One single task whose last two attempts ended in a crash: it has to run alone. */
  is_suspect: boolean;
};

/** How many more tasks of a type this worker may take, how many it has in hand, and in which claim it was last served. */
export type Room = { room: number; held: number; served: number };

/**
 * How many tasks to take from each lane, in all at most `hands`; 0 for most when there are more lanes than hands.
 * First `aged` hands for what has waited too long, oldest first; the rest by priority, and within a priority to the
 * type that holds least, then to the one that was served longest ago, so that types share. For types that hold nothing one
 * hand each is kept from the others, `mostKept` at most, so that no type ever holds all.
 */
export function share(
  lanes: Lane[],
  rooms: Map<string, Room>,
  hands: number,
  aged: number,
  mostKept = Infinity,
): number[] {
  const quotas = lanes.map(() => 0);
  const given = new Map([...rooms].map(([type, room]) => [type, { ...room }]));
  let empty = [...given.values()].filter(({ held }) => held === 0).length;

  const mayTake = ({ task_type }: Lane) => {
    const { room, held } = given.get(task_type)!;
    return hands > 0 && room > 0 && (held === 0 || hands > Math.min(empty, mostKept));
  };
  const give = (lane: Lane) => {
    const type = given.get(lane.task_type)!;
    if (type.held === 0) empty -= 1;
    hands -= 1;
    type.held += 1;
    type.room -= 1;
    quotas[lanes.indexOf(lane)]! += 1;
  };

  const isBefore = (a: Lane, b: Lane) => {
    const [one, other] = [given.get(a.task_type)!, given.get(b.task_type)!];
    return (a.priority - b.priority || one.held - other.held || one.served - other.served) < 0;
  };

  const oldestFirst = lanes.filter(({ is_aged }) => is_aged).toSorted((a, b) => a.due_since - b.due_since);
  for (let left = aged; left > 0; left -= 1) {
    const lane = oldestFirst.find(mayTake);
    if (!lane) break;
    give(lane);
  }
  for (;;) {
    const [lane, ...others] = lanes.filter(mayTake);
    if (!lane) break;
    give(others.reduce((best, next) => (isBefore(next, best) ? next : best), lane));
  }
  return quotas;
}
