import { setTimeout as delay } from "node:timers/promises";

/** Calls `ask` until its result is truthy, and returns it. Throws after the deadline. */
export async function until<Result>(
  what: string,
  ask: () => Result | Promise<Result>,
  deadlineSeconds = 15,
): Promise<NonNullable<Result>> {
  const end = performance.now() + deadlineSeconds * 1000;
  for (;;) {
    const response = await ask();
    if (response) return response;
    if (performance.now() > end) throw new Error(`Not within ${deadlineSeconds} s: ${what}`);
    await delay(20);
  }
}
