import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { startCluster } from "../support/cluster/cluster.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runMigrations } from "../support/processes.ts";
import { createSeenTable } from "../support/storm/feed.ts";
import { launch } from "../support/storm/fleet.ts";
import { startFlakySmtpServer } from "../support/storm/flaky-smtp-server.ts";
import { checkInvariants } from "../support/storm/invariants.ts";
import { startLoad } from "../support/storm/load.ts";
import { quiesce } from "../support/storm/quiesce.ts";
import { createRandom } from "../support/storm/random.ts";
import { until } from "../support/until.ts";

describe.skipIf(await reasonToSkip())("a cluster", () => {
  it("serves signups through pgbouncer and HAProxy", async () => {
    const start = performance.now();
    const cluster = await startCluster();
    console.log(`whole after ${performance.now() - start}`);
    await runMigrations(cluster.urls.haproxy);
    const sql = connect({ DATABASE_URL: cluster.urls.haproxy, DATABASE_SSL: "off", DATABASE_POOL: 2 }, "test");
    cleanUp(() => sql.end({ timeout: 1 }));
    await createSeenTable(sql);
    const smtp = await startFlakySmtpServer(0);
    smtp.becomeReliable();
    const fleet = await launch(cluster.urls.pgbouncer, smtp.url);
    const load = startLoad(fleet.webs, createRandom(1));
    await until("100 people have signed up", () => load.signups.size >= 100, 60);
    await load.stop();
    await quiesce(sql, fleet);
    expect(await checkInvariants({ sql, signups: load.signups, mails: await smtp.mails(), fleet })).toEqual({});
  });
});
