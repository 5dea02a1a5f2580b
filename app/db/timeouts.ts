import { Socket } from "node:net";
import type { Sql, TransactionSql } from "postgres";
import { watchQueries, type Query } from "./queries.ts";

/** What postgres.js has read from the URL. All connections of a pool share the arrays. */
type SocketOptions = { host: string[]; port: number[]; path?: string | false; idle_timeout?: number | null };

type Host = { host: string; port: number };

const briefMilliseconds = 5000;
const pauseMilliseconds = 100;

/**
 * The time-outs of one pool. A socket that receives nothing for `silenceSeconds` destroys itself; the first query sent
 * in that time starts the count again. The pool closes idle connections sooner, so a silent one has a dead peer or a
 * stuck query. A query is canceled before that.
 */
export function createTimeouts(silenceSeconds: number) {
  const cancelSeconds = Math.max(silenceSeconds - 5, silenceSeconds / 2);
  let hosts: Host[] | undefined;
  let next = 0;
  let isForCancel = false;
  const sockets = new Set<Socket>();

  /** A socket to the host that served last, or to the next one that accepts connections. */
  async function openSocket(options: SocketOptions): Promise<Socket> {
    const isForQueries = !isForCancel;
    hosts ??= takeHosts(options);
    for (let tries = 1; ; tries += 1) {
      const socket = dial(options, hosts, isForQueries);
      if (tries === hosts.length || (await isConnected(socket))) return socket;
    }
  }

  function dial({ path, idle_timeout }: SocketOptions, all: Host[], isForQueries: boolean): Socket {
    const tried = next;
    const opened = performance.now();
    // The connection for LISTEN has no idle time-out: it may be silent.
    const socket = new PoolSocket(idle_timeout ? silenceSeconds : Infinity, () => {
      sockets.delete(socket);
      // This host is down or read-only: the next socket tries the next host, unless another socket did so already.
      const isBrief = isForQueries && performance.now() - opened < briefMilliseconds;
      if (isBrief && next === tried) next = (tried + 1) % all.length;
    });
    sockets.add(socket);
    return path ? socket.connect(path) : socket.connect(all[tried]!);
  }

  function cancel(query: Query): void {
    isForCancel = true;
    // `query.cancel()` drops the promise. If the host is down, its rejection would end the process.
    void query.canceller?.(query).catch(() => {});
    isForCancel = false;
    if (query.state) return;
    // A connection that opens for it would skip it, and never be free again. An empty statement frees it.
    query.cancelled = null;
    query.strings = nothing;
    query.args = [];
  }

  /**
   * Closes all connections when a server turns out to be read-only: another one may accept writes by now. A pool that is
   * connected to a standby would stay there. postgres.js does not look at a server's state when the server before it
   * refused the connection while it shut down.
   */
  function leaveReadOnly(error: unknown): void {
    if (codeOf(error) === "25006") for (const socket of sockets) socket.destroy();
  }

  /**
   * Cancels each query that takes too long. If only its connection were closed, the backend would keep waiting for its
   * lock while the pool opens another one. With several hosts, a query that was not sent yet waits for the next one.
   */
  function limit(sql: Sql): Sql {
    const begin = sql.begin.bind(sql);
    const beginAndWatch = (work: (tx: TransactionSql) => Promise<unknown>) =>
      begin(work).catch((error: unknown) => {
        leaveReadOnly(error);
        throw error;
      });
    Object.assign(sql, { begin: beginAndWatch });
    return watchQueries(sql, (query) => {
      let isCanceled = false;
      const reject = query.reject.bind(query);
      query.reject = (error) => {
        leaveReadOnly(error);
        const isUnsent = !isCanceled && (hosts ?? []).length > 1 && !query.state && isLostConnection(error);
        if (isUnsent) setTimeout(() => query.handler(query), pauseMilliseconds);
        else reject(error);
      };

      const handle = query.handle.bind(query);
      let timer: NodeJS.Timeout | undefined;

      const cancelOrWait = () => {
        // If a query is canceled while it waits behind another one, it gets that one's response.
        const isWaiting = query.state && !query.active;
        if (isWaiting) timer = setTimeout(cancelOrWait, 1000);
        else {
          isCanceled = true;
          cancel(query);
        }
      };
      const end = () => clearTimeout(timer);

      query.handle = () => {
        if (!timer) {
          timer = setTimeout(cancelOrWait, cancelSeconds * 1000);
          // The query's own `then` would call `handle` again.
          void Promise.prototype.then.call(query, end, end);
        }
        return handle();
      };
    });
  }

  return { idleSeconds: silenceSeconds - 2, openSocket, limit };
}

/** With more than one host in its options, postgres.js drops the first query of a connection that breaks. */
function takeHosts({ host, port }: SocketOptions): Host[] {
  const hosts = host.map((name, place) => ({ host: name, port: port[place]! }));
  host.length = 1;
  return hosts;
}

const nothing = Object.assign(["select"], { raw: ["select"] });

const connectMilliseconds = 4000;

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");

const isLostConnection = (error: unknown) =>
  /^(CONNECTION_DESTROYED|CONNECTION_CLOSED|CONNECT_TIMEOUT|E[A-Z_]+|57P0[123])$/.test(codeOf(error));

const ignore = () => {};

/** Whether the socket connects in time. It is destroyed if not. */
async function isConnected(socket: Socket): Promise<boolean> {
  const timer = setTimeout(() => socket.destroy(), connectMilliseconds);
  const outcome = Promise.withResolvers<boolean>();
  // An error is followed by the close, which moves the pool to the next host.
  socket.on("error", ignore).once("close", () => outcome.resolve(false));
  socket.once("connect", () => outcome.resolve(true));
  const isOpen = await outcome.promise;
  clearTimeout(timer);
  socket.off("error", ignore);
  return isOpen;
}

class PoolSocket extends Socket {
  readonly #onClose: () => void;
  readonly #silenceTimer: NodeJS.Timeout;

  constructor(silenceSeconds: number, onClose: () => void) {
    super();
    this.#onClose = onClose;

    let [received, sent, seconds, isAsked] = [0, 0, 0, false];
    // The socket's own time-out would not do: each write restarts it, so queries on a dead connection keep it open.
    // Count ticks, not time: after a freeze, the process must first read what has arrived.
    const tick = () => {
      seconds += 1;
      const isHeard = this.bytesRead !== received;
      const isFirstWrite = !isAsked && this.bytesWritten !== sent;
      if (isHeard || isFirstWrite)
        [received, sent, seconds, isAsked] = [this.bytesRead, this.bytesWritten, 0, !isHeard];
      if (seconds >= silenceSeconds) this.destroy();
    };
    this.#silenceTimer = setInterval(tick, 1000).unref();
  }

  /** Waits a moment, because an unreachable network fails a socket before postgres.js listens to it. */
  override destroy(error?: Error): this {
    setImmediate(() => super.destroy(error));
    return this;
  }

  /** Overrides `emit`, because postgres.js removes all listeners before it starts TLS. */
  override emit(name: string | symbol, ...rest: unknown[]): boolean {
    if (name === "close") {
      clearInterval(this.#silenceTimer);
      this.#onClose();
    }
    return super.emit(name, ...rest);
  }
}
