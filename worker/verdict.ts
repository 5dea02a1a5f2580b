/** What an error means for its task. Anything thrown without a verdict is retried after the type's back-off. */
export type Verdict = {
  kind: "retry" | "permanent" | "service down" | "outcome unknown" | "snooze";
  /** Seconds before the next attempt, instead of the type's back-off. */
  delaySeconds?: number;
};

/** Retry, but not before the other side wants us back (`Retry-After`). */
export const retryAfter = (delaySeconds: number, message: string, cause?: unknown) =>
  judged({ kind: "retry", delaySeconds }, message, cause);

/** Nothing was tried: not now, but after so many seconds. The attempt is given back. */
export const putOff = (delaySeconds: number, message: string) =>
  judged({ kind: "snooze", delaySeconds }, message, undefined);

/** Trying again is no use: the task is dead at once, and this is its reason. */
export const permanent = (message: string, cause?: unknown) => judged({ kind: "permanent" }, message, cause);

/** The other side is down for every task of this type: the breaker opens instead of burning their attempts. */
export const outsideDown = (message: string, cause?: unknown) => judged({ kind: "service down" }, message, cause);

/** It may have happened or not: the type decides whether to run again or to bury. */
export const outcomeUnknown = (message: string, cause?: unknown) => judged({ kind: "outcome unknown" }, message, cause);

/** The verdict that a thrown value carries. */
export function verdictOf(thrown: unknown): Verdict {
  const judgement = thrown instanceof Error ? verdicts.get(thrown) : undefined;
  return judgement ?? { kind: "retry" };
}

const verdicts = new WeakMap<Error, Verdict>();

function judged(verdict: Verdict, message: string, cause: unknown): Error {
  const error = new Error(message, { cause });
  verdicts.set(error, verdict);
  return error;
}
