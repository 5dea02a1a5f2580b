/** What an error means for its task. */
type Kind = "retry" | "permanent" | "service down" | "outcome unknown" | "snooze";

/** Errors that a handler throws to say more than "try again". Any other error is retried after the type's back-off. */
abstract class TaskError extends Error {
  abstract readonly kind: Kind;
  /** Seconds until the task is due again, instead of the type's back-off. */
  readonly delaySeconds: number | undefined;

  constructor(message: string, cause?: unknown, delaySeconds?: number) {
    super(message, { cause });
    this.delaySeconds = delaySeconds;
  }
}

/** Retry, but not before so many seconds have passed (`Retry-After`). */
export class RetryLater extends TaskError {
  readonly kind = "retry";
  constructor(delaySeconds: number, message: string, cause?: unknown) {
    super(message, cause, delaySeconds);
  }
}

/** Nothing was tried: again after so many seconds. The attempt is given back. */
export class Snooze extends TaskError {
  readonly kind = "snooze";
  constructor(delaySeconds: number, message: string) {
    super(message, undefined, delaySeconds);
  }
}

/** Trying again is no use: the task is dead at once, and this is its reason. */
export class Permanent extends TaskError {
  readonly kind = "permanent";
}

/** The service is down for all tasks of this type: the breaker opens, and the task keeps its place and its attempt. */
export class ServiceDown extends TaskError {
  readonly kind = "service down";
}

/** It may have happened or not: the type decides whether to run again or to leave it to a person. */
export class OutcomeUnknown extends TaskError {
  readonly kind = "outcome unknown";
}

/** A thrown value as the end of an attempt. */
export function failureOf(thrown: unknown): { kind: Kind; delaySeconds?: number | undefined; error: string } {
  const error = errorText(thrown);
  return thrown instanceof TaskError
    ? { kind: thrown.kind, delaySeconds: thrown.delaySeconds, error }
    : { kind: "retry", error };
}

/** An error as text for the history and the log: no address of a person, and nothing that Postgres cannot store. */
export function errorText(error: unknown): string {
  return (
    read(error)
      .replace(/[^\s<>"(),;:]+@[^\s<>"(),;:]+/g, "(address)")
      .replaceAll("\0", "")
      .slice(0, 2000)
      // Last: the cut may have left half a character.
      .toWellFormed()
  );
}

function read(error: unknown): string {
  try {
    if (!(error instanceof Error)) return `thrown: ${String(error)}`;
    // Of several failed connections in one (an AggregateError), Node tells the code alone.
    const code = "code" in error ? error.code : error.name;
    // A message need not be text, whatever its type says.
    return String((error.message as unknown) || code);
  } catch {
    return "thrown: what cannot be read";
  }
}
