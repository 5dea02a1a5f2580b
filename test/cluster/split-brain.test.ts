import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { describe, expect, it } from "vitest";
import { connect, isUnavailable, type Sql } from "../../app/db/connect.ts";
import {
  acceptsWrites,
  leader,
  postgresPids,
  signal,
  startCluster,
  untilHealthy,
  type Cluster,
} from "../support/cluster/cluster.ts";
import type { Node } from "../support/cluster/patroni.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { until } from "../support/until.ts";

const reason = await reasonToSkip();
const cluster = reason ? undefined : await startCluster();

describe.skipIf(reason)("an old leader beside a new one", () => {
  it("acknowledges no write while its Patroni hangs", { timeout: 200_000 }, async () => {
    const { leading, writers, notes } = await startWriters(cluster!);
    // A session that stays open: this pool closes no idle connection.
    const session = postgres(urlOf(leading), { max: 1 });
    cleanUp(() => session.end({ timeout: 1 }));
    const read = () => session`select pg_backend_pid() as pid, pg_is_in_recovery() as is_standby`;
    const [open] = await read();
    const { child } = leading.patroni.process;
    cleanUp(() => child.kill("SIGCONT"));
    child.kill("SIGSTOP");
    await anotherLeads(cluster!, leading);
    // Neither of the two servers is in recovery.
    expect(await read()).toEqual([{ pid: open!["pid"] as number, is_standby: false }]);
    const before = writers.direct.acknowledged.length;
    await until("writes on the old leader fail", () => writers.direct.failures.length >= 2, 60);
    expect(writers.direct.acknowledged.slice(before)).toEqual([]);
    // The one that names all hosts stays: the old leader's Postgres is not read-only.
    await goOn(writers.haproxy);

    child.kill("SIGCONT");
    await untilHealthy(cluster!);
    await stop(writers);
    await expectAll(await notes(), writers);
  });

  it("loses no acknowledged write when its Postgres wakes up from a freeze", { timeout: 200_000 }, async () => {
    const { leading, writers, notes } = await startWriters(cluster!);
    const pids = await postgresPids(leading.data);
    for (const pid of pids) signal(pid, "SIGSTOP");
    await anotherLeads(cluster!, leading);
    for (const pid of pids) signal(pid, "SIGCONT");
    await untilHealthy(cluster!);
    await until("the old leader is read-only", () => writers.direct.failures.some(isReadOnly), 60);
    await goOn(writers.hosts, writers.haproxy);
    await stop(writers);
    expect(writers.direct.failures.filter((error) => !isUnavailable(error))).toEqual([]);
    await expectAll(await notes(), writers);
  });
});

type Writer = { acknowledged: string[]; failures: unknown[]; stop: () => Promise<void> };

/** Writers with open sessions: one at the current leader, one that knows all hosts, one by HAProxy. */
async function startWriters(cluster: Cluster) {
  const { leading } = await untilHealthy(cluster);
  const { haproxy, hosts } = cluster.urls;
  const table = connectOnce(haproxy);
  await table`drop table if exists note`;
  await table`create table note (note text)`;
  await table.end();
  const writers = {
    direct: write("direct", urlOf(leading)),
    hosts: write("hosts", hosts),
    haproxy: write("haproxy", haproxy),
  };
  await until("each writer has written", () => Object.values(writers).every((one) => one.acknowledged.length > 10), 30);

  async function notes(): Promise<string[]> {
    const sql = connectOnce(haproxy);
    const rows = await sql<{ note: string }[]>`select note from note`;
    await sql.end();
    return rows.map(({ note }) => note);
  }
  return { leading, writers, notes };
}

const urlOf = ({ port }: Node) => `postgres://postgres:superuser@127.0.0.1:${port}/postgres`;

function connectOnce(url: string): Sql {
  const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test", 8);
  cleanUp(() => sql.end({ timeout: 1 }));
  return sql;
}

/** Writes one note after the other. */
function write(name: string, url: string): Writer {
  const sql = connectOnce(url);
  const over = new AbortController();
  const writer: Writer = { acknowledged: [], failures: [], stop };
  cleanUp(() => over.abort());

  async function run(): Promise<void> {
    for (let count = 0; !over.signal.aborted; count += 1) {
      const note = `${name} ${count}`;
      await sql`insert into note values (${note})`.then(
        () => writer.acknowledged.push(note),
        (error: unknown) => writer.failures.push(error),
      );
      await delay(50);
    }
  }
  const running = run();

  async function stop(): Promise<void> {
    over.abort();
    await running;
  }
  return writer;
}

/** Resolves when each writer has written again. */
async function goOn(...writers: Writer[]): Promise<void> {
  const before = writers.map(({ acknowledged }) => acknowledged.length);
  const haveWritten = () => writers.every(({ acknowledged }, place) => acknowledged.length > before[place]!);
  await until("the other writers write to the new leader", haveWritten, 60);
}

const stop = (writers: Record<string, Writer>) => Promise.all(Object.values(writers).map((writer) => writer.stop()));

async function anotherLeads({ nodes }: Cluster, old: Node): Promise<Node> {
  const others = nodes.filter((node) => node !== old);
  const { node } = await until("another node leads", () => leader(others), 60);
  // Patroni leads a moment before its Postgres is promoted. Until then, that still confirms writes of the old leader.
  await until("its Postgres accepts writes", () => acceptsWrites(node), 60);
  return node;
}

/** Every acknowledged note is in the cluster. */
async function expectAll(notes: string[], writers: Record<string, Writer>): Promise<void> {
  const kept = new Set(notes);
  const lost = Object.values(writers).flatMap(({ acknowledged }) => acknowledged.filter((note) => !kept.has(note)));
  expect(lost).toEqual([]);
}

const isReadOnly = (error: unknown) => error instanceof Error && "code" in error && error.code === "25006";
