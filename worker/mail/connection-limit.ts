import pLimit from "p-limit";

const riseMilliseconds = 10_000;

/**
 * Bounds the mails under way, and with them the pool's connections: by `most`, and by what the server turns out to allow. A mail for which it
 * has no connection left lowers the bound by one and is sent again when another is through. The bound rises again by one each 10 s.
 */
export function createConnectionLimit(most: number, hasNoRoom: (error: unknown) => boolean) {
  const limit = pLimit({ concurrency: most, rejectOnClear: true });
  let sent = 0;
  let refusal: unknown;
  const rising = setInterval(() => {
    if (limit.concurrency < most) limit.concurrency += 1;
  }, riseMilliseconds).unref();

  /** Resolves to whether the mail was sent; throws when it can't be, at least now. */
  async function sendOnce(send: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const sentBefore = sent;
    try {
      await send();
      sent += 1;
      return true;
    } catch (error) {
      if (!hasNoRoom(error)) throw error;
      // There is no room for even one: that is no matter of how many.
      if (limit.activeCount === 1 && sent === sentBefore) {
        refusal = error;
        limit.clearQueue();
        limit.concurrency = most;
        throw error;
      }
      limit.concurrency = Math.max(1, Math.min(limit.concurrency, limit.activeCount) - 1);
      return false;
    }
  }

  return {
    /** Mails under way. */
    get count(): number {
      return limit.activeCount;
    },

    async send(send: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
      try {
        while (!(await beforeAbort(signal, limit(sendOnce, send, signal))));
      } catch (error) {
        const isCleared = error instanceof DOMException && error.name === "AbortError" && !signal.aborted;
        throw isCleared ? refusal : error;
      }
    },

    close: () => clearInterval(rising),
  };
}

/** A mail that waits for its turn does not wait when its task has ended. */
function beforeAbort<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", onAbort));
}
