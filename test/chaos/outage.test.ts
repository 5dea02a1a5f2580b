import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { chaosWorker, hold, enqueueTasks, waiting, type ChaosWorker } from "../support/chaos.ts";
import { empty } from "../support/database.ts";
import { isEmpty } from "../support/engine.ts";
import { startOwnServer } from "../support/own-server.ts";
import { startFaultyProxy } from "../support/faulty-proxy.ts";
import { until } from "../support/until.ts";

const server = await startOwnServer();
const { url } = server;
const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "test");
afterAll(() => sql.end({ timeout: 1 }));
const outageSeconds = 2.5;

beforeEach(() => empty(sql));

const closedPort = "smtp://127.0.0.1:1";
const start = (databaseUrl = url) => chaosWorker(databaseUrl, closedPort, { WORKER_CONCURRENCY: "18" });
const isHealthy = () =>
  sql`select 1`.then(
    () => true,
    () => false,
  );

const outages: Record<string, () => Promise<void>> = {
  async "is stopped"() {
    await server.stop("fast");
    await delay(outageSeconds * 1000);
    await server.start();
  },
  async crashes() {
    await server.stop("immediate");
    await delay(outageSeconds * 1000);
    await server.start();
  },
  async "is frozen"() {
    const thaw = await server.freeze();
    await delay(outageSeconds * 1000).finally(thaw);
  },
};

/** The tasks that started more than once. */
function startedTwice(workers: ChaosWorker[]): string[] {
  const ids = workers.flatMap((worker) => worker.logged("begun").map(({ task_id }) => task_id!));
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}

describe.each(Object.entries(outages))("a database that %s for longer than a lease", (_, causeOutage) => {
  it("makes no task run twice, and every worker recovers by itself", async () => {
    await empty(sql);
    const workers = [start(), start(), start()];
    await Promise.all(workers.map((worker) => worker.joined()));
    await enqueueTasks(sql, "LAST", { seconds: 1.2 }, 70);
    await until("they are at work", () => workers.every((worker) => worker.logged("begun").length >= 10));
    await causeOutage();
    await until("the database is back", isHealthy);
    await enqueueTasks(sql, "LAST", { seconds: 0.1 }, 30);
    await until("all is done", () => isEmpty(sql), 60);

    expect(startedTwice(workers)).toEqual([]);
    expect(workers.reduce((sum, worker) => sum + worker.logged("begun").length, 0)).toBe(100);
    expect(workers.map(({ child }) => child.exitCode)).toEqual([null, null, null]);
    expect(await sql`select from task_error`).toEqual([]);
    expect(await Promise.all(workers.map((worker) => worker.end()))).toEqual([0, 0, 0]);
  });
});

describe("a worker that is cut off from the database", () => {
  it("does not expire leases right after a heartbeat that hung for longer than a lease", async () => {
    const worker = start();
    await worker.joined();
    const heartbeats = () => sql<{ seen_at: Date }[]>`select seen_at from worker where pid = ${worker.pid}`;
    const other = () => sql`select from worker where pid = 0`;
    // Now it expires leases.
    await sql`insert into worker (worker_id, host, pid, lease_seconds) values (gen_random_uuid(), 'other', 0, 1)`;
    await until("it expires the lease of a dead worker", async () => (await other()).length === 0);

    const release = await hold(sql, (tx) => tx`select from worker where pid = ${worker.pid} for update`);
    await sql`insert into worker (worker_id, host, pid, lease_seconds) values (gen_random_uuid(), 'other', 0, 1)`;
    await until("a lease is over", async () => {
      return (await sql`select from worker where pid = 0 and seen_at < now() - interval '1.5 seconds'`).length > 0;
    });
    const [before] = await heartbeats();
    await release();
    // The heartbeat that hung and one more: a worker that expired leases too early would have done so by now.
    for (let seen = before!, count = 0; count < 2; count += 1) {
      await until("it sends a heartbeat", async () => (await heartbeats())[0]!.seen_at > seen.seen_at);
      [seen] = [(await heartbeats())[0]!];
    }
    expect(await other()).toHaveLength(1);
    await until("it had heartbeats for a whole lease", async () => (await other()).length === 0);
    expect(await worker.end()).toBe(0);
  });

  it("runs the tasks of a claim whose response was lost", async () => {
    const proxy = await startFaultyProxy(url);
    const worker = start(proxy.url);
    await worker.joined();
    await sql`
      create function wait_at_the_gate() returns trigger language plpgsql as $$
      begin
        perform pg_advisory_xact_lock_shared(2);
        return new;
      end $$
    `;
    await sql`create trigger gate before update on task for each row execute function wait_at_the_gate()`;
    const release = await hold(sql, (tx) => tx`select pg_advisory_xact_lock(2)`);
    await enqueueTasks(sql, "LAST", { seconds: 0 }, 5);
    await until("the claim waits", async () => (await waiting(sql)).length > 0);
    proxy.mute();
    await release();
    await until("the claim is committed", async () => (await sql`select from task where attempt = 1`).length > 0);
    proxy.cut();
    await sql`drop function wait_at_the_gate cascade`;

    await until("all is done", () => isEmpty(sql), 15);
    expect(await worker.end()).toBe(0);
  });
});

describe("SIGTERM while the database does not respond", () => {
  it.each(["stopped", "frozen"])("ends a worker with 0 when it is %s", async (how) => {
    const workers = [1, 2].map(() => chaosWorker(url, closedPort, {}, "worker/main.ts"));
    await Promise.all(workers.map((worker) => worker.joined()));
    let back = async () => {};
    if (how === "stopped") {
      await server.stop("fast");
      back = () => server.start();
    } else {
      const thaw = await server.freeze();
      back = async () => thaw();
    }
    try {
      // Long enough for a statement of each worker to hang, which the test cannot see.
      await delay(2000);
      const asked = performance.now();
      workers[1]!.child.kill("SIGTERM");
      const codes = await Promise.all(workers.map((worker) => worker.end()));
      const seconds = (performance.now() - asked) / 1000;
      console.log(`${how}: ended after ${seconds.toFixed(1)} s`);
      expect(codes).toEqual([0, 0]);
      expect(seconds).toBeLessThan(20);
    } finally {
      await back();
    }
    await until("the database is back", isHealthy);
  });
});
