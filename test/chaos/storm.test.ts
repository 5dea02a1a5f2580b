import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { projectName } from "../../app/env.ts";
import { startPostgres } from "../../dev/postgres.ts";
import { runMigrations } from "../support/processes.ts";
import { checkInvariants } from "../support/storm/invariants.ts";
import { quiesce } from "../support/storm/quiesce.ts";
import { planFaults, injectAll } from "../support/storm/faults.ts";
import { createSeenTable } from "../support/storm/feed.ts";
import { launch, readyLimitSeconds, residentMegabytes, type Fleet } from "../support/storm/fleet.ts";
import { startLoad, type Load } from "../support/storm/load.ts";
import { startFlakySmtpServer } from "../support/storm/flaky-smtp-server.ts";
import { createRandom } from "../support/storm/random.ts";
import { startFaultyProxy } from "../support/faulty-proxy.ts";
import { until } from "../support/until.ts";

// The same seed draws the same faults: STORM_SEED=… npm run test:chaos -- storm
const seed = Number(process.env["STORM_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const stormSeconds = Number(process.env["STORM_SECONDS"] ?? 30);

const folder = await mkdtemp(`${tmpdir()}/signup-storm-`);
const server = await startPostgres(folder, { durable: true });
const url = server.url("postgres");
await runMigrations(url);
const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "test");
await createSeenTable(sql);

afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop("immediate");
  await rm(folder, { recursive: true, force: true });
});

const memory = async ({ members }: Fleet) => Promise.all(members.map(residentMegabytes));
async function connections(): Promise<number> {
  return (await sql`select from pg_stat_activity where application_name like ${projectName + " w%"}`).length;
}

it("draws the same faults for the same seed", () => {
  expect(planFaults(createRandom(seed), stormSeconds)).toEqual(planFaults(createRandom(seed), stormSeconds));
});

it("holds every invariant after a storm of faults", { timeout: 400_000 }, async () => {
  console.log(`storm of ${stormSeconds} s, STORM_SEED=${seed}`);
  const proxy = await startFaultyProxy(url);
  const smtp = await startFlakySmtpServer(seed + 1);
  const fleet = await launch([proxy.url], smtp.url);
  const load = startLoad(fleet.webs, createRandom(seed + 2));
  await acceptsSignups(fleet, load);
  const before = { memory: await memory(fleet), connections: await connections() };

  const faults = planFaults(createRandom(seed), stormSeconds);
  const world = { fleet, proxy, mailServer: smtp.server, server, data: `${folder}/postgres`, sql };
  await injectAll(world, faults);
  const ended = performance.now();
  const secondsSince = () => ((performance.now() - ended) / 1000).toFixed(1);
  // Recovery must work under load.
  await acceptsSignups(fleet, load);
  const webSeconds = secondsSince();
  await load.stop();
  smtp.becomeReliable();
  await quiesce(sql, fleet);
  const quietSeconds = secondsSince();
  // Web closes idle connections. A worker uses its whole pool, and one connection each for heartbeats and
  // notifications.
  const mostConnections = fleet.workers.length * (4 + 2);
  await until("connections are few again", async () => (await connections()) <= mostConnections, 60);
  const after = { memory: await memory(fleet), connections: await connections() };

  console.log(`signups: ${counts(load.responses)}; by ${load.signups.size} people`);
  console.log(`faults: ${counts(Map.groupBy(faults, ({ kind }) => kind))}`);
  console.log(`failures of the SMTP server: ${counts(await smtp.failures())}`);
  const killed = [...fleet.members, smtp.server];
  console.log(`kills: ${killed.map(({ name, kills }) => `${name} ${kills}`).join(", ")}`);
  console.log(`dead: ${counts(await deaths())}`);
  console.log(
    `after the storm web accepted signups in ${webSeconds} s, all was done in ${quietSeconds} s; ` +
      `before: ${show(before)}; after: ${show(after)}`,
  );
  expect(await checkInvariants({ sql, signups: load.signups, mails: await smtp.mails(), fleet })).toEqual({});
  expect(smtp.server.unexpectedExits).toEqual([]);
  // A leak would be larger than garbage that is not collected yet.
  const grown = fleet.members.filter((_, place) => after.memory[place]! > before.memory[place]! * 1.25 + 30);
  expect(grown.map(({ name }) => name)).toEqual([]);
});

/** Resolves when each web process has accepted 20 more signups, which use most of its connections. */
async function acceptsSignups({ webs }: Fleet, load: Load): Promise<void> {
  const goals = webs.map((web) => ({ web, goal: load.acceptedAt(web).length + 20 }));
  await until(
    "both web processes accept signups",
    () => goals.every(({ web, goal }) => load.acceptedAt(web).length >= goal),
    readyLimitSeconds,
  );
}

async function deaths(): Promise<Map<string, number>> {
  const rows = await sql<{ reason: string; count: number }[]>`
    select left(reason, 60) as reason, count(*)::int from task_dead group by 1
  `;
  return new Map(rows.map(({ reason, count }) => [reason, count]));
}

function counts(entries: Map<string, number | unknown[]>): string {
  return [...entries].map(([name, count]) => `${name} ${Array.isArray(count) ? count.length : count}`).join(", ");
}

function show({ memory, connections }: { memory: number[]; connections: number }): string {
  return `${connections} connections, ${memory.map(Math.round).join(" ")} MB`;
}
