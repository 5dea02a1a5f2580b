import { Socket } from "node:net";

type Options = { host: string[]; port: number[]; path?: string | false; idle_timeout?: number | null };

const briefMilliseconds = 5000;

/**
 * Opens the sockets of one pool. Each ends itself after so many seconds without a byte in either direction: an idle one was
 * closed by the pool before, so that a line so silent leads to nobody any more, or to a statement that takes too long.
 */
export function createLines(silenceSeconds: number) {
  let place = 0;

  return ({ host, port, path, idle_timeout }: Options): Socket => {
    const mine = place;
    const opened = performance.now();
    const line = new Line(() => {
      // This host is away, or takes no writes: the next one is asked, unless a neighbour has moved on already.
      const isBrief = performance.now() - opened < briefMilliseconds;
      if (isBrief && place === mine) place = (place + 1) % host.length;
    });
    // Without an idle time-out it is the one for LISTEN, which is silent rightly.
    if (idle_timeout) line.setTimeout(silenceSeconds * 1000);
    return path ? line.connect(path) : line.connect(port[mine]!, host[mine]!);
  };
}

/** Not by listeners: postgres.js takes them all off before TLS begins on a socket. */
class Line extends Socket {
  readonly #onEnd: () => void;

  constructor(onEnd: () => void) {
    super();
    this.#onEnd = onEnd;
  }

  override emit(name: string | symbol, ...rest: unknown[]): boolean {
    if (name === "timeout") this.destroy();
    if (name === "close") this.#onEnd();
    return super.emit(name, ...rest);
  }
}
