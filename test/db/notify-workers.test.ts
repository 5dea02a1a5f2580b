import request from "supertest";
import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../app/db/connect.ts";
import { notifyWorkers } from "../../app/db/notify-workers.ts";
import { projectName } from "../../app/env.ts";
import { ada } from "../support/accounts.ts";
import { cleanUp } from "../support/clean-up.ts";
import { createDatabase, empty } from "../support/database.ts";
import { until } from "../support/until.ts";
import { serveApp } from "../support/web.ts";

const { sql, url } = await createDatabase();
const site = request(await serveApp(sql));

// Notifications arrive in the order of their commits: after "mark", all earlier ones have arrived.
let [notifications, marks, seen] = [0, 0, 0];
await sql.listen("mark", () => (marks += 1));
await sql.listen("task", () => {
  notifications += 1;
  void sql`select from task`.then((rows) => (seen = Math.max(seen, rows.length)));
});

const mark = async () => {
  const before = marks;
  await sql`select pg_notify('mark', '')`;
  await until("the mark arrives", () => marks > before);
};
const signUp = (email = ada.email) =>
  site
    .post("/signup")
    .type("form")
    .send({ ...ada, email });

beforeEach(async () => {
  await mark();
  await empty(sql);
  [notifications, seen] = [0, 0];
});

/** A pool whose connections are all open and have prepared the statement. */
async function warmPool() {
  const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 4 }, "pool");
  cleanUp(() => pool.end());
  const enqueue = (tag = pool, unique_key: string | null = null) => tag<{ pid: number }[]>`
    insert into task (task_type, unique_key) values ('WORK', ${unique_key}) returning pg_backend_pid() as pid
  `;
  await until("the statement is prepared on each connection", async () => {
    await Promise.all([1, 2, 3, 4].map(() => Promise.all([enqueue(), pool`select pg_sleep(0.01)`])));
    const pids = await Promise.all([1, 2, 3, 4].map(() => enqueue()));
    return new Set(pids.map(([row]) => row!.pid)).size === 4;
  });
  return { pool, enqueue };
}

describe("workers", () => {
  it("get one notification of one signup", async () => {
    await signUp().expect(303);
    await until("a worker is notified of the task", () => seen === 1);
    await mark();
    expect(notifications).toBe(1);
  });

  it("get a few notifications of 50 concurrent signups, one of them after the last", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => signUp(`ada${n}@example.com`).expect(303)));
    await until("a worker is notified of all tasks", () => seen === 50);
    expect(notifications).toBeLessThan(25);
  });

  it("are notified of the first statement on a new connection", async () => {
    const pool = connect({ DATABASE_URL: url, DATABASE_SSL: "off", DATABASE_POOL: 1 }, "pool");
    cleanUp(() => pool.end());
    await notifyWorkers(pool)`insert into task (task_type) values (${"WORK"})`;
    expect(await until("a worker is notified of the task", () => seen)).toBe(1);
  });

  it("are notified once, on the connection of the statement, in a separate transaction", async () => {
    const { pool, enqueue } = await warmPool();
    const [row] = await enqueue(notifyWorkers(pool));
    const backend = await until("the notification is sent", async () => {
      const [found] = await sql<{ pid: number }[]>`
        select pid
        from pg_stat_activity
        where datname = current_database() and application_name = ${projectName + " pool"} and query like '%pg_notify%'
      `;
      return found;
    });
    expect(backend).toEqual(row);
    await mark();
    expect(notifications).toBe(1);
  });

  it("are notified of a statement that was blocked while others were notified", async () => {
    const { pool, enqueue } = await warmPool();
    await sql`delete from task`;
    const notifying = notifyWorkers(pool);
    let waiting: Promise<unknown> | undefined;
    await sql.begin(async (tx) => {
      await tx`insert into task (task_type, unique_key) values ('WORK', 'a')`;
      waiting = Promise.all([enqueue(notifying), enqueue(notifying, "a")]).catch(() => {});
      await until("workers know of one task and the other waits", async () => {
        const locks = await sql`select from pg_locks where locktype = 'transactionid' and not granted`;
        return seen === 1 && locks.length > 0;
      });
      await tx`delete from task where unique_key = 'a'`;
    });
    await waiting;
    expect(await until("a worker is notified of the second task", () => seen > 1 && seen)).toBe(2);
  });

  it("are not notified of a statement that only reads", async () => {
    await notifyWorkers(sql)`select from task`;
    await mark();
    expect(notifications).toBe(0);
  });
});
