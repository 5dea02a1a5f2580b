import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { Address } from "./outside-address.ts";

export type Answer = {
  status: number;
  retryAfter?: string | undefined;
  /** The answer's own clock, as text. */
  date?: string | undefined;
};

type Message = { headers: Record<string, string>; body: string };

/** Posts a message to a URL of the outside. Throws when there is no answer in time. Redirects are not followed. */
export type PostOutside = (url: string, message: Message, signal: AbortSignal) => Promise<Answer>;

const mostBytes = 64 * 1024;

/** `find` tells which addresses of a host may be connected to; the time is for all of it, the look-up included. */
export function createPostOutside(find: (host: string) => Promise<Address[]>, timeoutSeconds = 10): PostOutside {
  return async (address, message, signal) => {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const url = new URL(address);
      const addresses = await beforeAbort(either, find(url.hostname));
      return await beforeAbort(either, post(url, addresses, message, either));
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new Error(`No answer within ${timeoutSeconds} s.`, { cause: error });
    }
  };
}

function post(url: URL, addresses: Address[], { headers, body }: Message, signal: AbortSignal): Promise<Answer> {
  const options: RequestOptions = {
    method: "POST",
    headers: { "user-agent": "slim-signup", ...headers, "content-length": Buffer.byteLength(body) },
    // A connection of its own, to the addresses that were checked: a name may lead elsewhere a moment later.
    agent: false,
    lookup: (_host, { all }, done) => {
      const [first] = addresses;
      if (all) done(null, addresses);
      else done(null, first!.address, first!.family);
    },
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, (response) => {
    // What is said by the status is said; the body may break off.
    response.on("error", () => {});
    throwAway(response);
    resolve({
      status: response.statusCode ?? 0,
      retryAfter: response.headers["retry-after"],
      date: response.headers.date,
    });
  });
  request.on("error", reject);
  // A 101 comes as no response, and settles nothing else.
  request.on("upgrade", (_response, socket) => {
    socket.destroy();
    reject(new Error("The receiver answered 101."));
  });
  request.on("close", () => reject(new Error("The connection was closed without an answer.")));
  request.end(body);
  return promise;
}

/** Lets the other side say what it has to say, within bounds. */
function throwAway(response: IncomingMessage): void {
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) response.destroy();
  });
}

function beforeAbort<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([work, promise]);
}
