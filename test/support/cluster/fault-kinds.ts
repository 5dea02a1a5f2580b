import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { runUnprivileged } from "../../../dev/postgres.ts";
import type { Member } from "../storm/member.ts";
import { until } from "../until.ts";
import { acceptsWrites, killPostgres, leader, postgresPids, signal, type Cluster } from "./cluster.ts";
import { synchronousStandby, type Node } from "./patroni.ts";

/** The cluster at the start of a fault, when it is healthy. */
export type World = { cluster: Cluster; leading: Node; standby: string };

/** One fault, and what was drawn for it. `intensity`, from 0 to 1, is how long it lasts. */
export type Fault = { kind: Kind; place: number; intensity: number };

export type Kind = keyof typeof kinds;

/** Resolves when all that it stopped runs again. The cluster then needs some more time to be healthy. */
type Inject = (world: World, fault: Fault) => Promise<unknown>;

const limitSeconds = 60;

/** All kinds of faults. A killed program is restarted, as systemd would do. Patroni restarts its own Postgres. */
export const kinds = {
  "The leader's Postgres is killed": ({ leading }) => killPostgres(leading.data),

  async "The leader's Postgres is frozen until another leads"(world) {
    const pids = await postgresPids(world.leading.data);
    for (const pid of pids) signal(pid, "SIGSTOP");
    await anotherLeads(world);
    for (const pid of pids) signal(pid, "SIGCONT");
  },

  "The leader's Patroni is killed": ({ leading }, fault) => restart([leading.patroni], fault),

  async "The leader's Patroni is frozen until another leads"(world) {
    const { child } = world.leading.patroni.process;
    child.kill("SIGSTOP");
    await anotherLeads(world);
    child.kill("SIGCONT");
  },

  async "The leader's machine fails"(world) {
    const { patroni, data } = world.leading;
    await patroni.kill(async () => {
      await killPostgres(data);
      await anotherLeads(world);
    });
  },

  async "The leader cannot reach etcd until another leads"(world) {
    const heals = world.cluster.toEtcd.get(world.leading.name)!.map((proxy) => proxy.partition());
    await anotherLeads(world);
    for (const heal of heals) heal();
  },

  "One etcd is killed": ({ cluster }, fault) => restart([one(cluster.etcd, fault)], fault),

  async "One etcd is frozen for a while"({ cluster }, fault) {
    const { child } = one(cluster.etcd, fault).process;
    child.kill("SIGSTOP");
    await lasts(fault);
    child.kill("SIGCONT");
  },

  "Two etcd are killed until no node leads": (world, fault) => {
    const down = world.cluster.etcd.filter((etcd) => etcd !== one(world.cluster.etcd, fault));
    const noLeader = noNodeLeads(world);
    return Promise.all(down.map((etcd) => etcd.kill(() => noLeader)));
  },

  async "Two etcd are frozen until no node leads"(world, fault) {
    const down = world.cluster.etcd.filter((etcd) => etcd !== one(world.cluster.etcd, fault));
    for (const { process } of down) process.child.kill("SIGSTOP");
    await noNodeLeads(world);
    for (const { process } of down) process.child.kill("SIGCONT");
  },

  "patronictl switchover": (world) => patronictl(world, "switchover", "--leader", world.leading.name),

  "patronictl failover": (world) => patronictl(world, "failover", "--candidate", world.standby),

  async "The synchronous standby is frozen until another replaces it"({ cluster, leading, standby }) {
    const pids = await postgresPids(cluster.nodes.find(({ name }) => name === standby)!.data);
    for (const pid of pids) signal(pid, "SIGSTOP");
    const replaced = async () => ![undefined, standby].includes(await synchronousStandby(leading));
    await until("another standby is synchronous", replaced, limitSeconds);
    for (const pid of pids) signal(pid, "SIGCONT");
  },

  "pgbouncer is killed": ({ cluster }, fault) => restart([cluster.pgbouncer], fault),
  "HAProxy is killed": ({ cluster }, fault) => restart([cluster.haproxy], fault),

  async "A replica is rebuilt from nothing"({ cluster, leading }, fault) {
    const replica = one(
      cluster.nodes.filter((node) => node !== leading),
      fault,
    );
    await replica.patroni.kill(async () => {
      await killPostgres(replica.data);
      // Its last processes may still write.
      await rm(replica.data, { recursive: true, maxRetries: 10 });
    });
  },
} satisfies Record<string, Inject>;

const one = <Item>(items: Item[], { place }: Fault): Item => items[place % items.length]!;

const lasts = ({ intensity }: Fault) => delay(500 + 4500 * intensity);

/** A supervisor restarts after a moment. */
const restart = (members: Member[], { intensity }: Fault) =>
  Promise.all(members.map((member) => member.kill(() => delay(100 + 900 * intensity))));

function anotherLeads({ cluster, leading }: World): Promise<unknown> {
  const others = cluster.nodes.filter((node) => node !== leading);
  return until("another node leads", () => leader(others), limitSeconds);
}

/** Resolves when no Postgres accepts writes: without a majority of etcd, the leader must stop. */
function noNodeLeads({ cluster }: World): Promise<unknown> {
  return until(
    "no node accepts writes",
    async () => (await Promise.all(cluster.nodes.map(acceptsWrites))).every((accepts) => accepts === false),
    limitSeconds,
  );
}

async function patronictl(world: World, command: string, ...args: string[]): Promise<void> {
  await runUnprivileged("/usr/bin/patronictl", ["-c", world.leading.file, command, "signup", "--force", ...args]);
  // It exits with 0 when Patroni refuses.
  await anotherLeads(world);
}
