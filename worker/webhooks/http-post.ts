import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { projectName } from "../../app/env.ts";
import type { Address } from "./public-address.ts";

export type Answer = {
  status: number;
  retryAfter?: string | undefined;
  /** The header of this name. */
  date?: string | undefined;
};

type Message = { headers: Record<string, string>; body: string };

/** Posts a message to a URL. Throws when there is no response in time. Follows no redirects. */
export type Post = (url: string, message: Message, signal: AbortSignal) => Promise<Answer>;

const mostBytes = 64 * 1024;

/** `find` returns the allowed addresses of a host. The time-out covers everything, including the lookup. */
export function createPost(find: (host: string) => Promise<Address[]>, timeoutSeconds = 10): Post {
  return async (address, message, signal) => {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    const either = AbortSignal.any([signal, timeout]);
    try {
      const url = new URL(address);
      const addresses = await beforeAbort(either, find(url.hostname));
      return await beforeAbort(either, post(url, addresses, message, either));
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new Error(`No response within ${timeoutSeconds} s.`, { cause: error });
    }
  };
}

function post(url: URL, addresses: Address[], { headers, body }: Message, signal: AbortSignal): Promise<Answer> {
  const options: RequestOptions = {
    method: "POST",
    headers: { "user-agent": projectName, ...headers, "content-length": Buffer.byteLength(body) },
    // A new connection to the checked addresses: the name may resolve to others a moment later.
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
    // Only the status counts: the body may be cut off.
    response.on("error", () => {});
    discard(response);
    resolve({
      status: response.statusCode ?? 0,
      retryAfter: response.headers["retry-after"],
      date: response.headers.date,
    });
  });
  request.on("error", reject);
  // Node emits no response for a 101.
  request.on("upgrade", (_response, socket) => {
    socket.destroy();
    reject(new Error("The receiver responded with 101."));
  });
  request.on("close", () => reject(new Error("The connection was closed without a response.")));
  request.end(body);
  return promise;
}

/** Reads the body without keeping it, and closes the connection when it is too long. */
function discard(response: IncomingMessage): void {
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
