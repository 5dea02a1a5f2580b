const patienceMilliseconds = 1000;

type Request = { began: number };
type Receiver = { requests: Set<Request>; waiting: Set<() => void> };

/**
 * Limits how many requests one worker has open at each receiver: a slow receiver occupies at most `most` slots.
 * Further requests wait for at most a second. They are turned away at once while all open ones are older than a
 * second.
 */
export function createReceiverLimit(most: number) {
  const receivers = new Map<string, Receiver>();

  return {
    /** Resolves to the function to call when the request has ended, or to undefined when the receiver has too many. */
    async enter(id: string): Promise<(() => void) | undefined> {
      const receiver = receivers.get(id) ?? { requests: new Set(), waiting: new Set() };
      receivers.set(id, receiver);
      const end = performance.now() + patienceMilliseconds;
      while (receiver.requests.size >= most) {
        if (performance.now() >= end || isStuck(receiver)) return undefined;
        await nextEnd(receiver, end - performance.now());
      }
      const request = { began: performance.now() };
      receiver.requests.add(request);
      return () => {
        receiver.requests.delete(request);
        for (const next of receiver.waiting) next();
        if (receiver.requests.size === 0 && receiver.waiting.size === 0) receivers.delete(id);
      };
    },
  };
}

export type ReceiverLimit = ReturnType<typeof createReceiverLimit>;

const isStuck = ({ requests }: Receiver) =>
  [...requests].every(({ began }) => performance.now() - began > patienceMilliseconds);

async function nextEnd({ waiting }: Receiver, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.add(resolve);
  const timer = setTimeout(resolve, milliseconds);
  await promise;
  clearTimeout(timer);
  waiting.delete(resolve);
}
