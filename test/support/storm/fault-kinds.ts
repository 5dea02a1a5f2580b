import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Postgres } from "../../../dev/postgres.ts";
import { connect, type Sql } from "../../../app/db/connect.ts";
import { transact } from "../../../app/db/transaction.ts";
import { projectName } from "../../../app/env.ts";
import type { FaultyProxy } from "../faulty-proxy.ts";
import { until } from "../until.ts";
import { hasJoined, type Fleet } from "./fleet.ts";
import type { Member } from "./member.ts";

export type World = {
  fleet: Fleet;
  proxy: FaultyProxy;
  mailServer: Member;
  server: Postgres;
  /** The server's data folder. */
  data: string;
  sql: Sql;
};

/** One fault: when it starts, and what was drawn for it. `intensity`, from 0 to 1, is how long or how hard it is. */
export type Fault = { atSeconds: number; kind: Kind; place: number; intensity: number };

export type Kind = keyof typeof kinds;
export type Inject = (world: World, fault: Fault) => Promise<unknown>;

const seconds = (least: number, most: number, { intensity }: Fault) =>
  delay((least + (most - least) * intensity) * 1000);
const one = (members: Member[], { place }: Fault): Member => members[place % members.length]!;

/** All kinds of faults. */
export const kinds = {
  "a web process is killed": ({ fleet }, fault) => one(fleet.webs, fault).kill(() => seconds(0.2, 2, fault)),
  "a web process is frozen for a while": ({ fleet }, fault) => freeze(one(fleet.webs, fault), fault),
  "a worker is killed": ({ fleet }, fault) => one(fleet.workers, fault).kill(() => seconds(0.2, 2, fault)),
  "a worker is frozen for a while": ({ fleet }, fault) => freeze(one(fleet.workers, fault), fault),
  "the mail server is killed": ({ mailServer }, fault) => mailServer.kill(() => seconds(0.5, 4, fault)),
  "the mail server is frozen for a while": ({ mailServer }, fault) => freeze(mailServer, fault),

  async "Postgres crashes"({ server }, fault) {
    await server.stop("immediate");
    await seconds(0.1, 4, fault);
    await server.start();
  },

  async "Postgres is killed"({ server, data }, fault) {
    const { postmaster } = await processesOf(data);
    process.kill(postmaster, "SIGKILL");
    await seconds(0.1, 2, fault);
    // It fails while an orphan still uses the shared memory.
    const start = () =>
      server.start().then(
        () => true,
        () => false,
      );
    await until("Postgres is back", start, 30);
  },

  async "Postgres is frozen for a while"({ data }, fault) {
    const { postmaster, children } = await processesOf(data);
    const signal = (name: NodeJS.Signals) => [postmaster, ...children].forEach((pid) => send(pid, name));
    signal("SIGSTOP");
    await seconds(0.5, 8, fault);
    signal("SIGCONT");
  },

  "all connections are terminated": ({ sql }) => sql`
    select pg_terminate_backend(pid)
    from pg_stat_activity
    where application_name like ${projectName + " w%"}
  `,

  async "the pool is exhausted by a lock"({ server }, fault) {
    const table = ["usr", "task", "worker"][fault.place % 3]!;
    // A connection of its own: Postgres may crash under the lock.
    await using connection = connectOnce(server);
    await transact(connection.sql, async (tx) => {
      await tx`lock table ${tx(table)} in access exclusive mode`;
      await seconds(1, 7, fault);
    });
  },

  async "the network is slow"({ proxy }, fault) {
    proxy.slow(20 + 200 * fault.intensity);
    await delay(4000);
    proxy.slow(0);
  },
  "the network halves a piece and cuts": async ({ proxy }) => proxy.halve("cut"),
  "the network halves a piece and goes silent": async ({ proxy }) => proxy.halve("silent"),
  "the network cuts": async ({ proxy }) => proxy.cut(),
  "the network goes silent": async ({ proxy }) => proxy.silence(),

  async "a worker's clock jumps"({ fleet }, fault) {
    const worker = one(fleet.workers, fault);
    // The signal would end a process that has no handler for it yet.
    await hasJoined(worker);
    worker.process.child.kill("SIGUSR2");
  },
} satisfies Record<string, Inject>;

async function freeze({ process }: Member, fault: Fault): Promise<void> {
  process.child.kill("SIGSTOP");
  await seconds(0.5, 8, fault);
  process.child.kill("SIGCONT");
}

async function processesOf(data: string): Promise<{ postmaster: number; children: number[] }> {
  const postmaster = Number((await readFile(`${data}/postmaster.pid`, "utf8")).split("\n")[0]);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8");
  return { postmaster, children: children.split(" ").filter(Boolean).map(Number) };
}

/** Sends a signal, unless the process has ended. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function connectOnce(server: Postgres) {
  const sql = connect({ DATABASE_URL: server.url("postgres"), DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
