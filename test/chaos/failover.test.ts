import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { runMigrations } from "../support/processes.ts";
import { startPair } from "../support/standby.ts";
import { checkInvariants } from "../support/storm/invariants.ts";
import { quiesce, proveWork } from "../support/storm/quiesce.ts";
import { createSeenTable } from "../support/storm/feed.ts";
import { launch, type Web } from "../support/storm/fleet.ts";
import { startLoad, type Signups } from "../support/storm/load.ts";
import { startFlakySmtpServer } from "../support/storm/flaky-smtp-server.ts";
import { createRandom } from "../support/storm/random.ts";
import { until } from "../support/until.ts";

describe.skipIf(await reasonToSkip(["postgresql"]))("a failover to a synchronous standby", () => {
  it("loses no acknowledged signup, and web and worker recover by themselves", { timeout: 200_000 }, async () => {
    const pair = await startPair();
    await runMigrations(pair.url);
    const primary = connect({ DATABASE_URL: pair.url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "test");
    await createSeenTable(primary);
    await primary.end();
    const smtp = await startFlakySmtpServer(0);
    smtp.becomeReliable();
    const fleet = await launch([pair.url], smtp.url);
    const load = startLoad(fleet.webs, createRandom(1));
    const accepted = () => fleet.webs.flatMap((web) => load.acceptedAt(web)).length;
    const acceptMore = (count: number) => {
      const enough = accepted() + count;
      return until(`${count} more signups are accepted`, () => accepted() >= enough, 60);
    };
    await acceptMore(40);

    await pair.killPrimary();
    // How long the outage lasts.
    await delay(1500);
    await pair.promote();
    const promoted = performance.now();
    const sql = connect({ DATABASE_URL: pair.standbyUrl, DATABASE_SSL: "off", DATABASE_POOL: 2 }, "test");
    cleanUp(() => sql.end({ timeout: 1 }));
    const [webSeconds, workerSeconds] = await Promise.all([
      since(promoted, Promise.all(fleet.webs.map((web) => signUp(web, load.signups)))),
      since(promoted, proveWork(sql, fleet.workers)),
    ]);

    await acceptMore(20);
    await load.stop();
    await quiesce(sql, fleet);
    console.log(
      `${load.signups.size} people; after the promotion web signed up in ${webSeconds.toFixed(1)} s, ` +
        `every worker had finished a task in ${workerSeconds.toFixed(1)} s`,
    );
    expect(await checkInvariants({ sql, signups: load.signups, mails: await smtp.mails(), fleet })).toEqual({});
    expect(fleet.members.map(({ kills }) => kills)).toEqual([0, 0, 0, 0, 0]);
    expect(webSeconds).toBeLessThan(10);
    expect(workerSeconds).toBeLessThan(10);
  });
});

/** Resolves when the web process accepts a signup. */
function signUp({ name, url }: Web, signups: Signups): Promise<unknown> {
  const email = `${name}@people.example`;
  const body = JSON.stringify({ email, password: "twelve engines hum" });
  const headers = { "Content-Type": "application/json", "X-Forwarded-For": "192.0.2.1" };
  const counts = { confirmed: 0, unconfirmed: 0 };
  signups.set(email, counts);
  return until(
    `${name} accepts a signup`,
    async () => {
      const { ok } = await fetch(`${url}/signup`, { method: "POST", body, headers });
      counts[ok ? "confirmed" : "unconfirmed"] += 1;
      return ok;
    },
    30,
  );
}

async function since(start: number, done: Promise<unknown>): Promise<number> {
  await done;
  return (performance.now() - start) / 1000;
}
