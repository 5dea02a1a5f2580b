import { createHash } from "node:crypto";
import type { State } from "../http/context.ts";

const timeoutMs = 1000;
/** Padded ranges have about 80 kB. */
const maxBytes = 512 * 1024;

/**
 * Whether the range API at `url` knows the password from a data breach. Only five hex digits of its SHA-1 leave the
 * process; padding hides the range from the network. Without a good response within a second, the password is taken.
 */
export async function isBreached(url: string, password: string, { deadline, log }: Pick<State, "deadline" | "log">) {
  const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
  try {
    const signal = AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs)]);
    const range = await fetchRange(`${url}/range/${hash.slice(0, 5)}`, signal);
    // Padding entries have the count 0.
    return range.some((line) => line.slice(0, 35).toUpperCase() === hash.slice(5) && Number(line.slice(36)) > 0);
  } catch (error) {
    // The cause of a failed fetch has the code; neither message has the URL.
    const err = error instanceof Error ? (error.cause ?? error) : error;
    log.warn({ err }, "range API failed: the password was not checked for breaches");
    return false;
  }
}

async function fetchRange(url: string, signal: AbortSignal): Promise<string[]> {
  // A redirect could send the digits to another host.
  const response = await fetch(url, { headers: { "Add-Padding": "true" }, redirect: "error", signal });
  if (response.status !== 200 || !response.body) throw new Error(`The range API responded with ${response.status}.`);

  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error("The range API sent too much.");
    chunks.push(chunk);
  }
  const lines = Buffer.concat(chunks).toString("latin1").trim().split(/\r?\n/);
  if (!lines.every((line) => /^[0-9a-f]{35}:\d+$/i.test(line))) throw new Error("The range API sent no range.");
  return lines;
}
