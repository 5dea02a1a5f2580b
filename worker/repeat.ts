import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../app/log.ts";

const retrySeconds = 0.5;

/** Takes the step again and again until the signal, with a pause between; a step that fails is tried again. */
export async function repeat(
  step: () => Promise<void>,
  pauseSeconds: number,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<void> {
  const pause = (seconds: number) => delay(seconds * 1000, undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const isDone = await step().then(
      () => true,
      (error: unknown) => log.error({ err: error }, "a statement failed; trying again"),
    );
    if (pauseSeconds > 0 || !isDone) await pause(isDone ? pauseSeconds : retrySeconds);
  }
}
