import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Throws, in one line, when somebody listens on the port. */
export async function refuseTakenPort(port: number): Promise<void> {
  const server = createServer().listen(port);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    const problem = error.code === "EADDRINUSE" ? "is taken" : `cannot be used (${error.code})`;
    throw new Error(`Port ${port} ${problem}; choose another: PORT=${port + 1} npm run dev`);
  });
  server.close();
  await once(server, "close");
}

/** Waits until the URL answers that all is well. Throws after 30 s, or the reason why `stop` is aborted. */
export async function untilReady(url: string, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(30_000)]);
  while (!signal.aborted) {
    const isReady = await fetch(url, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await delay(100);
  }
  stop.throwIfAborted();
  throw new Error(`Stopped, because ${url} did not become ready.`);
}
