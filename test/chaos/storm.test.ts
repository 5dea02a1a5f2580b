import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { connect } from "../../app/db.ts";
import { startPostgres } from "../../dev/postgres.ts";
import { runMigrations } from "../support/processes.ts";
import { balance } from "../support/storm/books.ts";
import { settleDown } from "../support/storm/calm.ts";
import { planFaults, strikeAll } from "../support/storm/faults.ts";
import { launch, residentMegabytes, type Fleet } from "../support/storm/fleet.ts";
import { startLoad } from "../support/storm/load.ts";
import { openPostOffice } from "../support/storm/post-office.ts";
import { createRandom } from "../support/storm/random.ts";
import { layWire } from "../support/wire.ts";
import { until } from "../support/until.ts";

// The same seed draws the same faults: STORM_SEED=… npm run test:chaos -- storm
const seed = Number(process.env["STORM_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const stormSeconds = Number(process.env["STORM_SECONDS"] ?? 60);

const folder = await mkdtemp(`${tmpdir()}/slim-signup-storm-`);
const server = await startPostgres(folder, { durable: true });
const url = server.url("postgres");
await runMigrations(url);
const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "test");

afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop("immediate");
  await rm(folder, { recursive: true, force: true });
});

const memory = async ({ members }: Fleet) => Promise.all(members.map(residentMegabytes));
async function connections(): Promise<number> {
  return (await sql`select from pg_stat_activity where application_name like 'slim-signup w%'`).length;
}

it("balances its books after a storm", { timeout: 400_000 }, async () => {
  console.log(`storm of ${stormSeconds} s, STORM_SEED=${seed}`);
  const wire = await layWire(url);
  const office = await openPostOffice(createRandom(seed + 1));
  const fleet = await launch(wire.url, office.smtp.url);
  const load = startLoad(fleet.webs, createRandom(seed + 2));
  await delay(5000);
  const before = { memory: await memory(fleet), connections: await connections() };

  const faults = planFaults(createRandom(seed), stormSeconds);
  await strikeAll({ fleet, wire, smtp: office.smtp, server, sql }, faults);
  const stormed = performance.now();
  await load.stop();
  office.calm();
  await settleDown(sql, fleet);
  const settledSeconds = (performance.now() - stormed) / 1000;
  // Web lets go of idle ones; a worker goes through all of its pool, and has one each for heartbeats and hints.
  const mostConnections = fleet.workers.length * (4 + 2);
  await until("connections are few again", async () => (await connections()) <= mostConnections, 60);
  const after = { memory: await memory(fleet), connections: await connections() };

  console.log(`signups: ${tally(load.answers)}; by ${load.signups.size} people`);
  console.log(`faults: ${tally(Map.groupBy(faults, ({ kind }) => kind))}`);
  console.log(`answers of the mail server: ${tally(office.answers)}`);
  console.log(`kills: ${fleet.members.map(({ name, kills }) => `${name} ${kills}`).join(", ")}`);
  console.log(`dead: ${tally(await deaths())}`);
  console.log(`settled after ${settledSeconds.toFixed(1)} s; before: ${show(before)}; after: ${show(after)}`);
  expect(await balance({ sql, signups: load.signups, letters: office.letters, fleet })).toEqual({});
  // Garbage may lie about; what leaks in a minute of storm is more.
  const grown = fleet.members.filter((_, place) => after.memory[place]! > before.memory[place]! * 1.5 + 60);
  expect(grown.map(({ name }) => name)).toEqual([]);
});

async function deaths(): Promise<Map<string, number>> {
  const rows = await sql<{ reason: string; count: number }[]>`
    select left(reason, 60) as reason, count(*)::int from task_dead group by 1
  `;
  return new Map(rows.map(({ reason, count }) => [reason, count]));
}

function tally(counts: Map<string, number | unknown[]>): string {
  return [...counts].map(([name, count]) => `${name} ${Array.isArray(count) ? count.length : count}`).join(", ");
}

function show({ memory, connections }: { memory: number[]; connections: number }): string {
  return `${connections} connections, ${memory.map(Math.round).join(" ")} MB`;
}
