import { setTimeout as delay } from "node:timers/promises";
import { isUnavailable } from "../../app/db.ts";
import type { Log } from "../../app/log.ts";

type Options = { signal: AbortSignal; log: Log };

const retrySeconds = 0.5;

/** Takes the step again and again until the signal, with a pause between; what fails is tried again. */
export async function repeat(step: () => Promise<void>, pauseSeconds: number, { signal, log }: Options): Promise<void> {
  const nap = (seconds: number) => delay(seconds * 1000, undefined, { signal }).catch(() => {});
  while (!signal.aborted) {
    const isWell = await step().then(
      () => true,
      (error: unknown) => log.error({ err: error }, "the database did not do it; trying again"),
    );
    if (pauseSeconds > 0 || !isWell) await nap(isWell ? pauseSeconds : retrySeconds);
  }
}

export type Persist = ReturnType<typeof createPersist>;

/** For what must be written down, because it has happened: repeats a statement while the database is away, until the signal. */
export function createPersist({ signal, log }: Options) {
  return async <Result>(statement: () => PromiseLike<Result>): Promise<Result> => {
    for (;;) {
      try {
        return await statement();
      } catch (error) {
        if (!isPassing(error) || signal.aborted) throw error;
        log.error({ err: error }, "the database is away; trying again");
        await delay(retrySeconds * 1000);
      }
    }
  };
}

/** Worth saying again: the database is away, or somebody else was in the way (a deadlock, a lock or a statement time-out). */
const isPassing = (error: unknown) =>
  isUnavailable(error) ||
  (error instanceof Error && "code" in error && /^(40...|55P03|57014)$/.test(String(error.code)));
