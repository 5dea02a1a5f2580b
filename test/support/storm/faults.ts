import { setTimeout as delay } from "node:timers/promises";
import type { Postgres } from "../../../dev/postgres.ts";
import { connect, type Sql } from "../../../app/db.ts";
import type { ScriptedSmtp } from "../scripted-smtp.ts";
import { hasJoined, type Fleet, type Member } from "./fleet.ts";
import type { Random } from "./random.ts";
import type { Wire } from "../wire.ts";

export type World = { fleet: Fleet; wire: Wire; smtp: ScriptedSmtp; server: Postgres; sql: Sql };

/** One fault: when it strikes, and what was drawn for it. `strength` is from 0 to 1: how long, or how hard. */
export type Fault = { atSeconds: number; kind: keyof typeof kinds; place: number; strength: number };

type Strike = (world: World, fault: Fault) => Promise<unknown>;

const seconds = (least: number, most: number, { strength }: Fault) => delay((least + (most - least) * strength) * 1000);
const member = ({ fleet }: World, { place }: Fault): Member => fleet.members[place % fleet.members.length]!;

const kinds = {
  "a process is killed": (world, fault) => world.fleet.kill(member(world, fault), () => seconds(0.2, 2, fault)),

  async "a process is stopped for a while"(world, fault) {
    const { process } = member(world, fault);
    process.child.kill("SIGSTOP");
    await seconds(0.5, 8, fault);
    process.child.kill("SIGCONT");
  },

  async "Postgres crashes"({ server }, fault) {
    await server.stop("immediate");
    await seconds(0.1, 4, fault);
    await server.start();
  },

  "all connections are terminated": ({ sql }) => sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where application_name like 'slim-signup w%'
  `,

  async "the pool is exhausted by a lock"({ server }, fault) {
    const table = ["usr", "task", "worker"][fault.place % 3]!;
    // A connection of its own: Postgres may crash under the lock.
    await using line = connectOnce(server);
    await line.sql.begin(async (tx) => {
      await tx`lock table ${tx(table)} in access exclusive mode`;
      await seconds(1, 7, fault);
    });
  },

  async "the network is slow"({ wire }, fault) {
    wire.slow(20 + 200 * fault.strength);
    await delay(4000);
    wire.slow(0);
  },
  "the network halves a piece and cuts": async ({ wire }) => wire.halve("cut"),
  "the network halves a piece and goes silent": async ({ wire }) => wire.halve("silent"),
  "the network cuts": async ({ wire }) => wire.cut(),
  "the network goes silent": async ({ wire }) => wire.silence(),

  async "a worker's clock jumps"({ fleet }, { place }) {
    const worker = fleet.workers[place % fleet.workers.length]!;
    // Before it listens to the signal, it would die of it.
    await hasJoined(worker);
    worker.process.child.kill("SIGUSR2");
  },

  async "the mail server is away"({ smtp }, fault) {
    await smtp.close();
    await seconds(0.5, 4, fault);
    await smtp.open();
  },
} satisfies Record<string, Strike>;

function connectOnce(server: Postgres) {
  const sql = connect({ DATABASE_URL: server.url("postgres"), DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

/** What will happen: the same for the same seed. Each kind comes once before any comes again. */
export function planFaults(random: Random, stormSeconds: number): Fault[] {
  const faults: Fault[] = [];
  let left: Fault["kind"][] = [];
  for (let atSeconds = 1; atSeconds < stormSeconds; atSeconds += random.between(0.6, 2.4)) {
    if (left.length === 0) left = Object.keys(kinds) as Fault["kind"][];
    const kind = random.pick(left);
    left = left.filter((other) => other !== kind);
    faults.push({ atSeconds, kind, place: Math.floor(random.between(0, 30)), strength: random.between(0, 1) });
  }
  return faults;
}

/** Lets each strike at its time, beside those that still last; resolves when all are over. */
export async function strikeAll(world: World, faults: Fault[]): Promise<void> {
  const started = performance.now();
  const last = new Map<string, Promise<unknown>>();
  for (const fault of faults) {
    await delay(Math.max(0, started + fault.atSeconds * 1000 - performance.now()));
    // One of a kind at a time: a server that is down can't crash.
    const before = last.get(fault.kind);
    const strike: Strike = kinds[fault.kind];
    const whenTheDatabaseIsAway = () => {};
    last.set(
      fault.kind,
      Promise.resolve(before)
        .then(() => strike(world, fault))
        .catch(whenTheDatabaseIsAway),
    );
  }
  await Promise.all(last.values());
}
