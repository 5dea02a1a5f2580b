import { expect, it } from "vitest";
import type { Sql } from "../../app/db/connect.ts";
import { runAccountLifeCycle } from "../support/account-life-cycle.ts";
import { beginCount, readCosts, type StatementCost } from "../support/buffers.ts";
import { createDatabase } from "../support/database.ts";
import { receiveMails } from "../support/smtp.ts";
import { until } from "../support/until.ts";
import { runWeb } from "../support/web.ts";
import { runWorker } from "../support/worker.ts";

type Size = { users: number; tasks: number };
const small: Size = { users: 1000, tasks: 1000 };
// It takes minutes to fill the full size.
const large: Size =
  process.env.SIZES === "full" ? { users: 1_000_000, tasks: 10_000_000 } : { users: 200_000, tasks: 1_000_000 };

const [warmUps, people] = [2, 6];
const jobs = ["PRUNE_HISTORY", "PRUNE_EXPIRED", "PRUNE_EVENTS", "DELETE_UNVERIFIED", "REMIND_UNVERIFIED"];

it(`${large.users} users cost a request about the same, and a daily task less than a tenth of a buffer each`, async () => {
  const [before, after] = [await measure(small), await measure(large)];
  const perCall = ({ buffers, calls }: StatementCost) => buffers / calls;
  const smallCost = new Map(before.requests.map((cost) => [cost.id, perCall(cost)]));
  print("Requests", before.requests);
  print("Requests", after.requests);
  print("Daily tasks", after.daily);

  // Postgres reads a small table from its start. A statement of once a minute may not have run then.
  const grown = after.requests.filter((cost) => perCall(cost) > 2 * (smallCost.get(cost.id) ?? 100) + 50);
  expect(grown).toEqual([]);
  const perUser = after.daily.map(({ query, buffers }) => ({ query, buffers: buffers / large.users }));
  expect(perUser.filter(({ buffers }) => buffers > 0.1)).toEqual([]);
}, 900_000);

/** The statements that people and their mails cause, and then those of the daily tasks. */
async function measure(size: Size) {
  const { sql, url } = await createDatabase();
  const began = performance.now();
  await fill(sql, size);
  console.log(`Filled with ${JSON.stringify(size)} in ${Math.round((performance.now() - began) / 1000)} s`);
  const { url: smtpUrl, mails } = await receiveMails();
  const { url: site } = await runWeb(url, { TRUST_PROXY: "1" });
  const worker = runWorker(url, smtpUrl, { ORIGIN: site });
  const live = async (from: number, to: number) => {
    for (let person = from; person < to; person += 1) await runAccountLifeCycle(site, mails, person);
  };

  await live(0, warmUps);
  await beginCount(sql);
  await live(warmUps, warmUps + people);
  const requests = await readCosts(sql);

  await beginCount(sql);
  await sql`insert into task (task_type) select unnest(${jobs}::text[])`;
  const left = () => sql`select from task where task_type = any(${jobs})`;
  await until("they are done", async () => (await left()).length === 0, 120);
  const daily = await readCosts(sql);
  await worker.end("SIGKILL");
  return { requests, daily };
}

/**
 * Users and the rows that they leave. One of a thousand has never verified the address and is to be deleted, one is to
 * be reminded. The tasks are not due: half are of a known type.
 */
async function fill(sql: Sql, { users, tasks }: Size): Promise<void> {
  await sql.begin(async (tx) => {
    // The rows fit together: to check each foreign key would take most of the time.
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into usr (email, password_hash, created_at)
      select
        'user.' || n || '@example.com', '$argon2id$v=19$m=19456,t=2,p=1$' || repeat(md5(n::text), 2),
        now() - make_interval(days => case n % 1000 when 0 then 40 when 1 then 2 else 300 end)
      from generate_series(1, ${users}::int) as n
    `;
    await tx`insert into email_verified (usr_id) select usr_id from usr where usr_id % 1000 > 1`;
    await tx`
      insert into email_reminded (usr_id, reminded_at)
      select usr_id, now() - interval '10 days' from usr where usr_id % 1000 = 0
    `;
    for (const table of ["session", "known_browser"]) {
      await tx`
        insert into ${tx(table)} (token_hash, usr_id, usr_version)
        select sha256(usr_id::text::bytea), usr_id, 0 from usr
      `;
    }
    await tx`
      insert into event (xid, event_type, usr_id, created_at)
      select '1', 'LOGGED_IN', usr_id, now() - interval '1 day' from usr
    `;
    await tx`
      insert into task (task_type, params, run_at)
      select
        case n % 2 when 0 then 'SEND_EMAIL_REMINDER' else 'UNKNOWN' end, jsonb_build_object('usr_id', n::text),
        now() + make_interval(days => 1, secs => n * 0.001)
      from generate_series(1, ${tasks}::int) as n
    `;
  });
  await sql`vacuum analyze`;
}

const sum = (costs: StatementCost[], part: "buffers" | "seconds") =>
  costs.reduce((total, cost) => total + cost[part], 0);

function print(title: string, costs: StatementCost[]): void {
  const lines = costs.map(({ query, calls, buffers, seconds }) => {
    const start = query.replaceAll(/\s+/g, " ").slice(0, 90);
    return `${Math.round(buffers)} buffers, ${calls} calls, ${seconds.toFixed(2)} s: ${start}`;
  });
  console.log(`${title}: ${sum(costs, "buffers")} buffers, ${sum(costs, "seconds")} s\n${lines.join("\n")}`);
}
