import { setTimeout as delay } from "node:timers/promises";
import type { Web } from "./fleet.ts";
import type { Random } from "./random.ts";

/** Signups by address: `confirmed` with 303 or 204, or `unconfirmed`, which may have committed. */
export type Signups = Map<string, { confirmed: number; unconfirmed: number }>;

export type Load = {
  signups: Signups;
  /** How often each response came. */
  responses: Map<string, number>;
  /** When the web process confirmed each signup that it accepted, with 303 or 204, by `performance.now()`. */
  acceptedAt(web: Web): number[];
  /** Stops the load. Resolves when every response is there. */
  stop(): Promise<void>;
};

const millisecondsBetween = 90;
const mostAtOnce = 60;

/** People who sign up, each from another client address. Some do it several times, at once or later. */
export function startLoad(webs: Web[], random: Random): Load {
  const signups: Signups = new Map();
  const responses = new Map<string, number>();
  const acceptedAt = new Map<Web, number[]>(webs.map((web) => [web, []]));
  const open = new Set<Promise<void>>();
  let count = 0;
  const over = new AbortController();

  async function signUp(email: string, isForm: boolean, web: Web, client: string): Promise<void> {
    const seen = signups.get(email) ?? { confirmed: 0, unconfirmed: 0 };
    signups.set(email, seen);
    const response = await post(`${web.url}/signup`, { email, password: "twelve engines hum" }, isForm, client);
    responses.set(response, (responses.get(response) ?? 0) + 1);
    const isAccepted = response === "303" || response === "204";
    if (isAccepted) acceptedAt.get(web)!.push(performance.now());
    if (isAccepted) seen.confirmed += 1;
    else seen.unconfirmed += 1;
  }

  async function run(): Promise<void> {
    while (!over.signal.aborted) {
      await delay(millisecondsBetween);
      if (open.size >= mostAtOnce) continue;
      count += 1;
      const isRepeated = count > 10 && random.chance(0.15);
      const person = isRepeated ? Math.floor(random.between(Math.max(1, count - 40), count)) : count;
      const client = [10, count >> 16, (count >> 8) & 255, count & 255].join(".");
      const request = signUp(`person.${person}@people.example`, random.chance(0.5), random.pick(webs), client);
      open.add(request);
      void request.finally(() => open.delete(request));
    }
  }

  const running = run();
  return {
    signups,
    responses,
    acceptedAt: (web) => acceptedAt.get(web)!,
    async stop() {
      over.abort();
      await running;
      await Promise.all(open);
    },
  };
}

/** The status, or the reason for none. */
async function post(url: string, fields: Record<string, string>, isForm: boolean, client: string): Promise<string> {
  const body = isForm ? new URLSearchParams(fields) : JSON.stringify(fields);
  const type = isForm ? "application/x-www-form-urlencoded" : "application/json";
  const headers = { "Content-Type": type, "X-Forwarded-For": client };
  // Longer than the deadline of a request.
  const signal = AbortSignal.timeout(8000);
  return fetch(url, { method: "POST", body, headers, redirect: "manual", signal }).then(
    ({ status }) => String(status),
    (error: Error) => (error.name === "TimeoutError" ? "no response" : "connection broke"),
  );
}
