import { z } from "zod";
import { startChild } from "./child.ts";

export type Load = {
  url: string;
  connections: number;
  /** How many requests, or for how long. */
  amount?: number;
  seconds?: number;
  /** As many as go, when left out. */
  perSecond?: number;
  /** POSTs a new address each time, from another client's address; else GETs. */
  signUp?: boolean;
};

/** Answers per second and milliseconds to the answer, from a process of its own. Throws unless every answer was a good one. */
export async function load(options: Load): Promise<{ rate: number; p50: number; p99: number }> {
  await using child = startChild("bench/peers/load.js", { env: { LOAD: JSON.stringify(options) } });
  const { failed, ...figures } = result.parse(await child.heard("result"));
  if (failed > 0) throw new Error(`${options.url} did not answer ${failed} requests well.`);
  return figures;
}

const result = z.object({ rate: z.number(), p50: z.number(), p99: z.number(), failed: z.number() });
