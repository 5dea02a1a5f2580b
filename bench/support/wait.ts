import { setTimeout as delay } from "node:timers/promises";

/** Asks again until the answer is yes. Throws after the deadline. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  { deadlineSeconds = 60, pauseMilliseconds = 10 } = {},
): Promise<void> {
  const end = performance.now() + deadlineSeconds * 1000;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`Not within ${deadlineSeconds} s: ${what}`);
    await delay(pauseMilliseconds);
  }
}

/** Waits until the URL answers that all is well. */
export function untilAnswers(url: string): Promise<void> {
  return until(`${url} answers`, () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}
