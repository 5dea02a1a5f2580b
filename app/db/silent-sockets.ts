import { Socket } from "node:net";

type Options = { host: string[]; port: number[]; path?: string | false; idle_timeout?: number | null };

const briefMilliseconds = 5000;

/**
 * Opens the sockets of one pool. Each ends itself when nothing was heard for so many seconds, and once more as many at most for
 * what was asked meanwhile: an idle one was closed by the pool before, so that a line so silent leads to nobody any more, or to a
 * statement that takes too long.
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
    if (idle_timeout) line.endWhenSilent(silenceSeconds);
    return path ? line.connect(path) : line.connect(port[mine]!, host[mine]!);
  };
}

/** Not by listeners: postgres.js takes them all off before TLS begins on a socket. */
class Line extends Socket {
  readonly #onEnd: () => void;
  #pulse: NodeJS.Timeout | undefined;

  constructor(onEnd: () => void) {
    super();
    this.#onEnd = onEnd;
  }

  /**
   * Not by the socket's own time-out, which each write puts off: statements that wait on a dead line would keep it for ever.
   * It counts its own looks, not the time: a process that was stopped first reads what has come meanwhile.
   */
  endWhenSilent(silenceSeconds: number): void {
    let [heard, said, looks, isAsked] = [0, 0, 0, false];
    const look = () => {
      looks += 1;
      const isNews = this.bytesRead !== heard;
      const isFirstWord = !isAsked && this.bytesWritten !== said;
      if (isNews || isFirstWord) [heard, said, looks, isAsked] = [this.bytesRead, this.bytesWritten, 0, !isNews];
      if (looks >= silenceSeconds) this.destroy();
    };
    this.#pulse = setInterval(look, 1000).unref();
  }

  override emit(name: string | symbol, ...rest: unknown[]): boolean {
    if (name === "close") {
      clearInterval(this.#pulse);
      this.#onEnd();
    }
    return super.emit(name, ...rest);
  }
}
