/** What an error means for its task. */
type Kind = "retry" | "permanent" | "service down" | "outcome unknown" | "snooze";

/** Errors that a handler throws to say more than "try again". Any other error is retried after the type's back-off. */
class TaskError extends Error {
  readonly kind: Kind;
  /** Seconds until the task is due again, instead of the type's back-off. */
  readonly delaySeconds: number | undefined;

  constructor(kind: Kind, message: string, cause?: unknown, delaySeconds?: number) {
    super(message, { cause });
    this.kind = kind;
    this.delaySeconds = delaySeconds;
  }
}

/** Retry, but not before so many seconds have passed (`Retry-After`). */
export class RetryLater extends TaskError {
  constructor(delaySeconds: number, message: string, cause?: unknown) {
    super("retry", message, cause, delaySeconds);
  }
}

/** Nothing was tried: again after so many seconds. The attempt is given back. */
export class Snooze extends TaskError {
  constructor(delaySeconds: number, message: string) {
    super("snooze", message, undefined, delaySeconds);
  }
}

/** Trying again is no use: the task is dead at once, and this is its reason. */
export class Permanent extends TaskError {
  constructor(message: string, cause?: unknown) {
    super("permanent", message, cause);
  }
}

/** The service is down for all tasks of this type: the breaker opens, and the task keeps its place and its attempt. */
export class ServiceDown extends TaskError {
  constructor(message: string, cause?: unknown) {
    super("service down", message, cause);
  }
}

/** It may have happened or not: the type decides whether to run again or to leave it to a person. */
export class OutcomeUnknown extends TaskError {
  constructor(message: string, cause?: unknown) {
    super("outcome unknown", message, cause);
  }
}

/** A thrown value as the end of an attempt. */
export function failureOf(thrown: unknown): { kind: Kind; delaySeconds?: number | undefined; error: string } {
  const { kind, delaySeconds } =
    thrown instanceof TaskError ? thrown : { kind: "retry" as const, delaySeconds: undefined };
  return { kind, delaySeconds, error: errorText(thrown) };
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
    const isError = error instanceof Error;
    // A message need not be text, whatever its type says.
    const text: unknown = isError ? error.message || codeOf(error) : error;
    return isError ? String(text) : `thrown: ${String(text)}`;
  } catch {
    return "thrown: what cannot be read";
  }
}

/** Of several failed connections in one (an AggregateError), Node tells the code alone. */
const codeOf = (error: Error) => ("code" in error ? error.code : error.name);
