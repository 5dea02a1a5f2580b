import { z } from "zod";
import { startChild } from "./child.ts";

export type Sink = AsyncDisposable & {
  url: string;
  /** Mails per second, from the first to the last of all that were announced; throws when they don't come. */
  rate(): Promise<number>;
};

/** A mail server in a process of its own that takes everything and keeps nothing. */
export async function startSink(count = Infinity): Promise<Sink> {
  const child = startChild("bench/processes/smtp-sink.ts", { env: { COUNT: String(count) } });
  const { url } = z.object({ url: z.string() }).parse(await child.heard("ready"));
  return {
    url,
    async rate() {
      const { first, last } = z.object({ first: z.number(), last: z.number() }).parse(await child.heard("all"));
      return ((count - 1) / (last - first)) * 1000;
    },
    [Symbol.asyncDispose]: child.end,
  };
}
