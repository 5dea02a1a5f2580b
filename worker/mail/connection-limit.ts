import pLimit from "p-limit";

const riseMilliseconds = 10_000;

/**
 * Limits the connections to `max`, and to what the server allows. If the server refuses a mail's connection because
 * it has too many, the limit falls by one, and the mail is sent again after another. It rises by one every 10 s.
 */
export function createConnectionLimit(max: number, hasNoRoom: (error: unknown) => boolean) {
  const limit = pLimit({ concurrency: max, rejectOnClear: true });
  let sent = 0;
  let refusal: unknown;
  const rising = setInterval(() => {
    if (limit.concurrency < max) limit.concurrency += 1;
  }, riseMilliseconds).unref();

  /** Resolves to false when the server had no connection left; throws when the mail cannot be sent now. */
  async function sendOnce(send: () => Promise<unknown>, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const sentBefore = sent;
    try {
      await send();
      sent += 1;
      return true;
    } catch (error) {
      if (!hasNoRoom(error)) throw error;
      // The server refuses even a single connection, so no limit helps.
      if (limit.activeCount === 1 && sent === sentBefore) {
        refusal = error;
        limit.clearQueue();
        limit.concurrency = max;
        throw error;
      }
      limit.concurrency = Math.max(1, Math.min(limit.concurrency, limit.activeCount) - 1);
      return false;
    }
  }

  return {
    /** Mails that are being sent. */
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

/** A waiting mail stops waiting when its task has ended. */
function beforeAbort<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", onAbort));
}
