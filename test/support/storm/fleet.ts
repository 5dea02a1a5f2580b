import { readFile } from "node:fs/promises";
import { siteName } from "../../../app/env.ts";
import { freePort } from "../../../dev/postgres.ts";
import { run } from "../processes.ts";
import { until } from "../until.ts";
import { supervise, type Member } from "./member.ts";

/** A supervised web process. */
export type Web = Member & { url: string };

export type Fleet = {
  members: Member[];
  webs: Web[];
  workers: Member[];
  /** The processes that start from now on take them in turn. */
  databaseUrls: string[];
};

/**
 * A web connection can be silent for 20 s before a query and 20 s after it (app/db/timeouts.ts). Add the deadline of
 * the request that meets it, and the time for a new connection.
 */
export const readyLimitSeconds = 2 * 20 + 5 + 5;

/** Two web processes and three workers. */
export async function launch(databaseUrls: string[], smtpUrl: string): Promise<Fleet> {
  // Read at each start.
  const database = (place: number) => ({ DATABASE_URL: databaseUrls[place % databaseUrls.length]! });
  const webs = await Promise.all(["web.1", "web.2"].map((name, place) => startWeb(name, () => database(place))));
  const settings = {
    SMTP_URL: smtpUrl,
    MAIL_FROM: `${siteName} <hello@example.com>`,
    ORIGIN: "https://signup.example.com",
    NODE_OPTIONS: "--import ./test/support/shifted-clock.ts",
    CLOCK_SHIFT_DAYS: "0",
    CHAOS_LEASE_SECONDS: "3",
    FOLLOW_EVENTS: "and note them",
  };
  const workers = ["worker.1", "worker.2", "worker.3"].map((name, place) =>
    supervise(name, () => run("test/support/chaos-worker.ts", { ...settings, ...database(place) })),
  );
  await Promise.all([...webs.map(isReady), ...workers.map(hasJoined)]);
  return { members: [...webs, ...workers], webs, workers, databaseUrls };
}

async function startWeb(name: string, database: () => { DATABASE_URL: string }): Promise<Web> {
  const port = String(await freePort());
  const member = supervise(name, () => run("app/main.ts", { ...database(), PORT: port, TRUST_PROXY: "1" }));
  return Object.assign(member, { url: `http://127.0.0.1:${port}` });
}

/** Resolves when the web process reaches its database. */
export function isReady({ name, url }: Web): Promise<unknown> {
  const ask = () =>
    fetch(`${url}/readyz`, { signal: AbortSignal.timeout(6000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  return until(`${name} is ready`, ask, readyLimitSeconds);
}

/** Resolves when the worker's current process has joined. */
export const hasJoined = (worker: Member) =>
  until(`${worker.name} joins`, () => worker.process.output().includes('"joined"'), 60);

/** Resident memory in MB. */
export async function residentMegabytes({ process }: Member): Promise<number> {
  const status = await readFile(`/proc/${process.child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
