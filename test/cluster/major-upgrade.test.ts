import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { connect, type Sql } from "../../app/db/connect.ts";
import { startTwoVersions } from "../support/cluster/two-versions.ts";
import { longestGap } from "../support/cluster/faults.ts";
import { reasonToSkip } from "../support/cluster/programs.ts";
import { cleanUp } from "../support/clean-up.ts";
import { blocksOf, copyProject } from "../support/copy.ts";
import { runMigrations } from "../support/processes.ts";
import { createSeenTable } from "../support/storm/feed.ts";
import { launch } from "../support/storm/fleet.ts";
import { startFlakySmtpServer } from "../support/storm/flaky-smtp-server.ts";
import { checkInvariants } from "../support/storm/invariants.ts";
import { startLoad } from "../support/storm/load.ts";
import type { Member } from "../support/storm/member.ts";
import { quiesce } from "../support/storm/quiesce.ts";
import { createRandom } from "../support/storm/random.ts";
import { until } from "../support/until.ts";

const blocks = (await blocksOf("docs/growing.md", "sh")).filter(
  ({ heading }) => heading === "A major upgrade of Postgres",
);

describe.skipIf(await reasonToSkip(["postgresql"]))("the commands of «A major upgrade of Postgres»", () => {
  it("lose no user, mail, task or event while people sign up", async () => {
    const urls = await startTwoVersions();
    const [older, newer] = [open(urls.older), open(urls.newer)];
    await runMigrations(urls.older);
    await Promise.all([older, newer].map(createSeenTable));
    await older`insert into task (task_type, run_at) values ('NO_OP', now() + interval '1 hour')`;
    const smtp = await startFlakySmtpServer(1);
    smtp.becomeReliable();
    const fleet = await launch([urls.older], smtp.url);
    const load = startLoad(fleet.webs, createRandom(1));
    const acceptedAt = () => fleet.webs.flatMap((web) => load.acceptedAt(web)).toSorted((a, b) => a - b);
    const moreSignups = (count: number) => {
      const enough = acceptedAt().length + count;
      return until(`${count} more signups are accepted`, () => acceptedAt().length >= enough, 60);
    };
    const [check, copy, wait, catchUp, carryOver] = await commands(urls);

    await moreSignups(50);
    expect(await check!()).toMatch(/logical[^]*\(0 rows\)/);
    await copy!();
    await moreSignups(50);
    await wait!();

    const startWorkers = await stop(fleet.workers);
    await moreSignups(20);
    const stopped = performance.now();
    const startWebs = await stop(fleet.webs);
    await catchUp!();
    const rows = await allRows(newer);
    expect(rows).toEqual(await allRows(older));
    expect(await older`select from task where worker_id is not null`).toEqual([]);
    expect(await older`select from task where task_type like 'SEND%' limit 1`).toHaveLength(1);
    const { feed, seen } = await positions(older);
    expect(seen).toEqual(feed.slice(0, seen.length));
    await carryOver!();
    await renumberSeen(newer);
    fleet.databaseUrls[0] = urls.newer;
    await Promise.all([startWebs(), startWorkers()]);

    await moreSignups(50);
    const seconds = longestGap(acceptedAt(), stopped) / 1000;
    console.log(`${load.signups.size} people; ${seconds.toFixed(1)} s without signups`);
    await load.stop();
    await newer`update task set run_at = now() where task_type = 'NO_OP'`;
    await quiesce(newer, fleet);
    const mails = await smtp.mails();
    expect(await checkInvariants({ sql: newer, signups: load.signups, mails, fleet })).toEqual({});
    expect([...mails.values()].filter(({ copies }) => copies > 1)).toEqual([]);
    expect(await newer`select from task_dead`).toEqual([]);
    expect(seconds).toBeLessThan(60);
  });
});

function open(url: string): Sql {
  const sql = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 2 }, "test");
  cleanUp(() => sql.end({ timeout: 1 }));
  return sql;
}

/** The page's blocks in order, each as a function that runs it in a copy of the project and returns its output. */
async function commands({ older, newer }: { older: string; newer: string }) {
  const project = await copyProject();
  const page = await readFile(`${project.folder}/docs/events.md`, "utf8");
  const [, renumber] = /restore into a new cluster[^]*?```sql\n([^]*?)```/.exec(page)!;
  await writeFile(`${project.folder}/renumber.sql`, renumber!);
  return blocks.map(({ text }) => {
    const shell = ["bash", "-euo", "pipefail", "-c", text];
    return () => project.run("env", `OLD=${older}`, `NEW=${newer}`, ...shell);
  });
}

/** Ends the processes with SIGTERM. Resolves to a function that starts them again. */
async function stop(members: Member[]): Promise<() => Promise<unknown>> {
  const pause = Promise.withResolvers<void>();
  const started: Promise<void>[] = [];
  const ended = members.map((member) => {
    const end = Promise.withResolvers<void>();
    const restart = () => {
      end.resolve();
      return pause.promise;
    };
    started.push(member.kill(restart, "SIGTERM"));
    return end.promise;
  });
  await Promise.all(ended);
  return () => {
    pause.resolve();
    return Promise.all(started);
  };
}

/** The rows of each table, as text. The page renumbers some events before the others. */
async function allRows(sql: Sql): Promise<Record<string, string[]>> {
  const tables = await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public'`;
  const entries = tables.map(async ({ name }) => {
    const rows = await sql<{ row: string }[]>`select (to_jsonb(t) - 'xid')::text as row from ${sql(name)} as t`;
    return [name, rows.map(({ row }) => row).toSorted()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Those of all events, and those that the consumer `note` has seen. */
async function positions(sql: Sql) {
  const feed = await sql<{ position: string }[]>`
    select xid::text || '-' || event_id as position from event order by xid, event_id
  `;
  const seen = await sql<{ position: string }[]>`select position from seen order by number`;
  return { feed: feed.map(({ position }) => position), seen: seen.map(({ position }) => position) };
}

/** Gives the events that the consumer `note` has seen their new positions. */
const renumberSeen = (sql: Sql) => sql`
  with known as (
    delete from seen
    returning split_part(position, '-', 2)::bigint as event_id
  )
  insert into seen (position)
  select xid::text || '-' || event_id
  from event
  join known using (event_id)
  order by xid, event_id
`;
