import type { Answer } from "./post-outside.ts";

const longestSeconds = 24 * 3600;

/**
 * Seconds that an answer's `Retry-After` asks for (RFC 9110: seconds, or a date), a day at most; undefined when it says nothing of the
 * kind. A date is measured by the answer's own clock when it tells it, else by ours, in milliseconds.
 */
export function retryAfterSeconds({ retryAfter, date }: Answer, now: number): number | undefined {
  if (retryAfter === undefined) return undefined;
  const theirs = Date.parse(date ?? "");
  const isSeconds = /^\d+$/.test(retryAfter);
  // With its weekday: V8 takes "-5" for a date, too.
  const asked = /^[A-Z]/i.test(retryAfter) ? Date.parse(retryAfter) : NaN;
  const seconds = isSeconds ? Number(retryAfter) : (asked - (theirs || now)) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), longestSeconds);
}
