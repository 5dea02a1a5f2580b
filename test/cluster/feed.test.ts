import request from "supertest";
import { describe, expect, it } from "vitest";
import { connect, isUnavailable, type Sql } from "../../app/db/connect.ts";
import { readEvents } from "../../app/db/feed.ts";
import { consume, type Consumer } from "../../worker/events/consume.ts";
import { killPostgres, leader, startCluster, untilHealthy, type Cluster } from "../support/cluster/cluster.ts";
import type { Node } from "../support/cluster/patroni.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runMigrations } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

describe.skipIf(await reasonToSkip())("the feed over a failover", () => {
  it("gives a consumer that was in the middle each event once, in order", async () => {
    const { cluster, sql, signUp, positions } = await start();
    await signUp("ann", "ben", "cas", "dan");
    const seen: string[] = [];
    const reader: Consumer = {
      name: "reader",
      batch: 2,
      consume: async (_tx, events) => void seen.push(...events.map(({ position }) => position)),
    };
    await consume(sql, reader);

    // The leader fails while the consumer's next transaction is open.
    const { leading } = await untilHealthy(cluster);
    const failed = consume(sql, { ...reader, consume: () => failMachine(cluster, leading) });
    await expect(failed).rejects.toSatisfy(isUnavailable);
    await untilHealthy(cluster);
    await signUp("eve", "flo");
    while ((await consume(sql, reader)) > 0);

    expect(seen).toEqual(await positions());
    expect(seen).toHaveLength(6);
  });

  it("loses the tail that no replica had when replication is asynchronous, and nothing else", async () => {
    const { cluster, sql, signUp, positions, people } = await start({ isSynchronous: false });
    await signUp("ann", "ben", "cas");
    const { leading } = await untilHealthy(cluster, "async");
    await until("the replicas have all", () => isReplicated(sql));
    const kept = await positions();

    const promote = await failReplicas(cluster, leading);
    await signUp("dan", "eve", "flo");
    const lost = (await positions()).slice(kept.length);
    await failMachine(cluster, leading, promote);
    await untilHealthy(cluster, "async");

    // Users, their events and their tasks are lost together.
    expect(await people()).toEqual(["ann", "ben", "cas"]);
    expect(await positions()).toEqual(kept);
    expect(await sql`select task_id from task where task_type = 'SEND_EMAIL_WELCOME'`).toHaveLength(3);

    // Lost addresses can sign up again. The new events take the place of the lost ones.
    await signUp("dan", "gus");
    const outside = await readEvents(sql, lost.at(-1)!, 10);
    const inside = await readEvents(sql, kept.at(-1)!, 10);
    expect(inside).toHaveLength(2);
    expect(outside.length).toBeLessThan(2);
  });
});

/** A migrated cluster with the web application before it. */
async function start(options: { isSynchronous?: boolean } = {}) {
  const cluster = await startCluster(options);
  await runMigrations(cluster.urls.haproxy);
  const sql = connect({ DATABASE_URL: cluster.urls.haproxy, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "test", 8);
  cleanUp(() => sql.end({ timeout: 1 }));
  const site = request(await serveApp(sql));

  async function signUp(...names: string[]): Promise<void> {
    for (const name of names) {
      const form = { email: `${name}@example.com`, password: "twelve engines hum" };
      await until("the signup is accepted", async () => {
        const { status } = await site.post("/signup").type("form").send(form);
        return status === 303;
      });
    }
  }
  const positions = async () => {
    const rows = await sql<{ position: string }[]>`
      select xid::text || '-' || event_id as position from event order by xid, event_id
    `;
    return rows.map(({ position }) => position);
  };
  const people = async () => {
    const rows = await sql<{ name: string }[]>`select split_part(email, '@', 1) as name from usr order by 1`;
    return rows.map(({ name }) => name);
  };
  return { cluster, sql, signUp, positions, people };
}

/** Kills the leader's Postgres and Patroni, and starts them again when another node leads. */
function failMachine(cluster: Cluster, leading: Node, promote = () => {}): Promise<void> {
  const others = cluster.nodes.filter((node) => node !== leading);
  return leading.patroni.kill(async () => {
    await killPostgres(leading.data);
    promote();
    await until("another node leads", () => leader(others), 60);
  });
}

/** Kills both replicas. The returned function starts them again. */
async function failReplicas({ nodes }: Cluster, leading: Node): Promise<() => void> {
  const back = Promise.withResolvers<void>();
  const replicas = nodes.filter((node) => node !== leading);
  await Promise.all(
    replicas.map(({ patroni, data }) => {
      const down = Promise.withResolvers<void>();
      void patroni.kill(async () => {
        await killPostgres(data);
        down.resolve();
        await back.promise;
      });
      return down.promise;
    }),
  );
  return back.resolve;
}

async function isReplicated(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ is_replicated: boolean }[]>`
    select count(*) = 2 and bool_and(replay_lsn = pg_current_wal_lsn()) as is_replicated from pg_stat_replication
  `;
  return row!.is_replicated;
}
