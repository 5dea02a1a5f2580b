import { chown, cp, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../../app/db/connect.ts";
import { cleanUp } from "../clean-up.ts";
import { startFaultyProxy, type FaultyProxy } from "../faulty-proxy.ts";
import { findServerPrograms } from "../standby.ts";
import { until } from "../until.ts";
import { areHealthy, startEtcd, type Etcd } from "./etcd.ts";
import { ask, startNode, synchronousStandby, type Node } from "./patroni.ts";
import { startHaproxy, startPgbouncer, type Proxy } from "./proxies.ts";

export type Cluster = {
  etcd: Etcd[];
  nodes: Node[];
  /** The proxies between each node's Patroni and etcd, by the node's name. */
  toEtcd: Map<string, FaultyProxy[]>;
  haproxy: Proxy;
  pgbouncer: Proxy;
  /** By pgbouncer and HAProxy, by HAProxy alone, and by the names of all hosts. */
  urls: { pgbouncer: string; haproxy: string; hosts: string };
};

const healthyLimitSeconds = 120;
/** After it has started again, Patroni may choose another synchronous standby. Meanwhile no node can take over. */
const stableMilliseconds = 6000;
const nobody = 65_534;
const login = "postgres://postgres:superuser@";

/** Three Postgres under Patroni with three etcd, HAProxy and pgbouncer. Resolves when all replicas stream. */
export async function startCluster({ isSynchronous = true } = {}): Promise<Cluster> {
  const folder = await mkdtemp(`${tmpdir()}/cluster-`);
  if (process.getuid?.() === 0) await chown(folder, nobody, nobody);
  cleanUp(async () => {
    // For the search after a failure: CLUSTER_LOGS=folder npm run test:cluster
    const kept = process.env["CLUSTER_LOGS"];
    if (kept) await cp(folder, kept, { recursive: true, filter: (path) => path === folder || path.endsWith(".log") });
    await rm(folder, { recursive: true, force: true });
  });
  const programs = (await findServerPrograms())!;
  const etcd = await startEtcd(folder);

  const toEtcd = new Map<string, FaultyProxy[]>();
  const nodes: Node[] = [];
  for (const name of ["one", "two", "three"]) {
    const proxies = await Promise.all(etcd.map(({ url }) => startFaultyProxy(`${url}/`)));
    toEtcd.set(name, proxies);
    // Registered before the node's Patroni starts: it runs after Patroni is killed.
    cleanUp(() => killPostgres(`${folder}/${name}`));
    nodes.push(await startNode({ folder, programs, name, etcd: proxies.map(({ url }) => url), isSynchronous }));
  }
  const haproxy = await startHaproxy(folder, nodes);
  const pgbouncer = await startPgbouncer(folder, haproxy.port);

  const cluster = {
    etcd,
    nodes,
    toEtcd,
    haproxy,
    pgbouncer,
    urls: {
      pgbouncer: `${login}127.0.0.1:${pgbouncer.port}/postgres?prepare=false`,
      haproxy: `${login}127.0.0.1:${haproxy.port}/postgres`,
      hosts: `${login}${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}/postgres`,
    },
  };
  await untilHealthy(cluster, isSynchronous ? "sync" : "async");
  return cluster;
}

/** Resolves to the leader and its synchronous standby when both replicas stream and etcd is healthy. */
export function untilHealthy({ nodes, etcd }: Cluster, mode: "sync" | "async" = "sync") {
  return until(
    "the cluster is healthy",
    async () => {
      // Each question takes Patroni some time.
      await delay(100);
      const found = await leader(nodes);
      const replicas = found?.status.replication?.filter(({ state }) => state === "streaming") ?? [];
      if (!found || replicas.length < nodes.length - 1 || !(await areHealthy(etcd))) return undefined;
      const standby = await synchronousStandby(found.node);
      return mode === "async" || standby ? { leading: found.node, standby } : undefined;
    },
    healthyLimitSeconds,
  );
}

/** Resolves when the cluster has been healthy, with the same roles, for longer than a loop of Patroni. */
export function untilStable(cluster: Cluster) {
  let [roles, since] = ["", performance.now()];
  return until(
    "the cluster is stable",
    async () => {
      const found = await untilHealthy(cluster);
      const now = `${found.leading.name} ${found.standby}`;
      if (now !== roles) [roles, since] = [now, performance.now()];
      return performance.now() > since + stableMilliseconds ? found : undefined;
    },
    healthyLimitSeconds,
  );
}

/** The node that leads, by its own Patroni. */
export async function leader(nodes: Node[]) {
  const all = await Promise.all(nodes.map(async (node) => ({ node, status: await ask(node, "/primary") })));
  const leading = all.flatMap(({ node, status }) => (status ? [{ node, status }] : []));
  return leading.length === 1 ? leading[0] : undefined;
}

/** Whether its Postgres is up, and not in recovery. Undefined when it does not respond. */
export async function acceptsWrites({ port }: Node): Promise<boolean | undefined> {
  const settings = {
    DATABASE_URL: `${login}127.0.0.1:${port}/postgres`,
    DATABASE_SSL: "off",
    DATABASE_POOL: 1,
  } as const;
  const sql = connect(settings, "test", 3);
  const accepts = await sql<{ accepts: boolean }[]>`select not pg_is_in_recovery() as accepts`.then(
    ([row]) => row!.accepts,
    (error: Error & { code?: string }) => (/^(57014|CONNECT_TIMEOUT)$/.test(error.code ?? "") ? undefined : false),
  );
  await sql.end({ timeout: 1 });
  return accepts;
}

/** The postmaster and its children; empty when none runs. */
export async function postgresPids(data: string): Promise<number[]> {
  const [postmaster = ""] = (await readFile(`${data}/postmaster.pid`, "utf8").catch(() => "")).split("\n");
  // The file outlives a server that was killed.
  if ((await readlink(`/proc/${postmaster}/cwd`).catch(() => "")) !== data) return [];
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").catch(() => undefined);
  return children === undefined ? [] : [postmaster, ...children.trim().split(" ")].filter(Boolean).map(Number);
}

/** Ends all processes of a Postgres, frozen or not, as a crash of its machine would. */
export async function killPostgres(data: string): Promise<void> {
  for (const pid of await postgresPids(data)) signal(pid, "SIGKILL");
}

/** Sends a signal, unless the process has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
