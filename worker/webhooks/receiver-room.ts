const patienceMilliseconds = 1000;

type Guest = { entered: number };
type Room = { guests: Set<Guest>; waiting: Set<() => void> };

/**
 * How many requests one worker has under way at each receiver, so that one that is slow holds `most` hands and no more. While all of
 * them are older than a second, others are turned away at once; else they wait for their turn, a second at most.
 */
export function createReceiverRoom(most: number) {
  const rooms = new Map<string, Room>();

  return {
    /** Resolves to what must be called at the end, or undefined when there is no room. */
    async enter(receiver: string): Promise<(() => void) | undefined> {
      const room = rooms.get(receiver) ?? { guests: new Set(), waiting: new Set() };
      rooms.set(receiver, room);
      const end = performance.now() + patienceMilliseconds;
      while (room.guests.size >= most) {
        if (performance.now() >= end || isStuck(room)) return undefined;
        await someoneLeaves(room, end - performance.now());
      }
      const guest = { entered: performance.now() };
      room.guests.add(guest);
      return () => {
        room.guests.delete(guest);
        for (const next of room.waiting) next();
        if (room.guests.size === 0 && room.waiting.size === 0) rooms.delete(receiver);
      };
    },
  };
}

export type ReceiverRoom = ReturnType<typeof createReceiverRoom>;

const isStuck = ({ guests }: Room) =>
  [...guests].every(({ entered }) => performance.now() - entered > patienceMilliseconds);

async function someoneLeaves({ waiting }: Room, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.add(resolve);
  const timer = setTimeout(resolve, milliseconds);
  await promise;
  clearTimeout(timer);
  waiting.delete(resolve);
}
