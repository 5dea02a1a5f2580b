import { now } from "./clock.ts";

// A measured process's side of child.ts: it exchanges messages with the benchmark that started it, and ends with it.

type Message = { type: string; count?: number };

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));

export function send(type: string, data: object = {}): void {
  process.send?.({ type, ...data });
}

/** Resolves with the next message of the type. */
export function receive(type: string): Promise<Message> {
  return new Promise((resolve) => {
    const stop = onMessage(type, (message) => {
      stop();
      resolve(message);
    });
  });
}

/** Calls back for each message of the type, until the returned function is called. */
export function onMessage(type: string, listener: (message: Message) => void): () => void {
  const listen = (message: Message) => {
    if (message.type === type) listener(message);
  };
  process.on("message", listen);
  return () => process.off("message", listen);
}

const pauseMilliseconds = 50;

/**
 * For workers of every make: returns a function to call as a task starts, with its number if it has one. Sends when the first has
 * started, how many have so far, when all have, and on "report" when each numbered one did.
 */
export function watchStarts(total: number): (number?: number) => void {
  const starts: [number: number, at: number][] = [];
  let count = 0;
  let isPausing = false;
  void receive("report").then(() => send("starts", { starts }));

  return (number) => {
    count += 1;
    if (count === 1) send("first", { at: now() });
    if (count === total) send("all started");
    if (number !== undefined) starts.push([number, now()]);
    if (isPausing) return;
    isPausing = true;
    setTimeout(() => {
      isPausing = false;
      send("started", { count });
    }, pauseMilliseconds);
  };
}
