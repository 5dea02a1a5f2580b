import { connect } from "../../../app/db/connect.ts";
import { cleanUp } from "../clean-up.ts";
import { runMigrations } from "../processes.ts";
import { createSeenTable } from "../storm/feed.ts";
import { launch } from "../storm/fleet.ts";
import { startFlakySmtpServer } from "../storm/flaky-smtp-server.ts";
import { checkInvariants } from "../storm/invariants.ts";
import { startLoad } from "../storm/load.ts";
import { quiesce } from "../storm/quiesce.ts";
import { createRandom } from "../storm/random.ts";
import { until } from "../until.ts";
import { startCluster } from "./cluster.ts";
import { injectAll, planFaults, type Outage } from "./faults.ts";

/**
 * Two web processes and three workers on a new cluster, with signups throughout the faults. One of the web processes
 * and two workers connect through pgbouncer and HAProxy, the others by the names of all hosts. Returns the outages, and
 * what must be empty: violated invariants, dead tasks, programs that ended by themselves.
 */
export async function runStorm(seed: number, count: number) {
  const cluster = await startCluster();
  await runMigrations(cluster.urls.haproxy);
  const settings = { DATABASE_URL: cluster.urls.haproxy, DATABASE_SSL: "off", DATABASE_POOL: 2 } as const;
  const before = connect(settings, "test");
  await createSeenTable(before);
  await before.end();
  const smtp = await startFlakySmtpServer(seed);
  smtp.becomeReliable();
  const fleet = await launch([cluster.urls.pgbouncer, cluster.urls.hosts], smtp.url);
  const load = startLoad(fleet.webs, createRandom(seed));
  await until("signups are accepted", () => fleet.webs.every((web) => load.acceptedAt(web).length >= 10), 60);

  const start = performance.now();
  const outages: Outage[] = await injectAll(cluster, planFaults(createRandom(seed), count), load, fleet.webs);
  const seconds = Math.round((performance.now() - start) / 1000);
  await load.stop();

  const sql = connect(settings, "test");
  cleanUp(() => sql.end({ timeout: 1 }));
  await quiesce(sql, fleet);
  const responses = [...load.responses].map(([response, times]) => `${times} × ${response}`).join(", ");
  console.log(`${outages.length} faults in ${seconds} s; ${load.signups.size} people; responses: ${responses}`);
  const programs = [
    ...cluster.etcd,
    ...cluster.nodes.map(({ patroni }) => patroni),
    cluster.haproxy,
    cluster.pgbouncer,
  ];
  return {
    outages,
    violations: await checkInvariants({ sql, signups: load.signups, mails: await smtp.mails(), fleet }),
    dead: await sql`select task_type, reason from task_dead`,
    exits: programs.flatMap(({ unexpectedExits }) => unexpectedExits),
  };
}
