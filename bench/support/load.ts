import { z } from "zod";
import { startChild } from "./child.ts";

type Load = {
  url: string;
  connections: number;
  /** How many requests, or for how long. */
  amount?: number;
  seconds?: number;
  /** Default: as many as possible. */
  perSecond?: number;
  /** POSTs a new address each time, from another client's address; otherwise GETs. */
  signUp?: boolean;
};

/** Responses per second and milliseconds to a response, measured by a process of its own. Throws unless every response is 2xx. */
export async function load(options: Load): Promise<{ rate: number; p50: number; p99: number }> {
  await using child = startChild("bench/peers/load.js", { env: { LOAD: JSON.stringify(options) } });
  const { failed, ...figures } = result.parse(await child.receive("result"));
  if (failed > 0) throw new Error(`${failed} requests to ${options.url} failed.`);
  return figures;
}

const result = z.object({ rate: z.number(), p50: z.number(), p99: z.number(), failed: z.number() });
