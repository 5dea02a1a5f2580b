import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds of a monotonic clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Repeats the check until it is true. Throws after 60 s. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  pauseMilliseconds = 10,
): Promise<void> {
  const end = now() + 60_000;
  while (!(await check())) {
    if (now() > end) throw new Error(`Not within 60 s: ${what}`);
    await delay(pauseMilliseconds);
  }
}
