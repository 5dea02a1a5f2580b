import type { Sql } from "../../../app/db/connect.ts";
import { fallen } from "./quiesce.ts";
import type { Fleet } from "./fleet.ts";
import type { Signups } from "./load.ts";
import { unread } from "./feed.ts";
import type { Letter } from "./flaky-smtp-server.ts";

type Accounts = { sql: Sql; signups: Signups; letters: Map<string, Letter>; fleet: Fleet };

/** What is violated, one line each; nothing when all is well. */
type Book = (accounts: Accounts) => Promise<string[]>;

const mailAttempts = 5;

/** What must balance after the storm. */
const books: Record<string, Book> = {
  async "every signup that was answered has one user and one event, and no user is there without a signup"({
    sql,
    signups,
  }) {
    const rows = await sql<{ email: string; events: number }[]>`
      select email, (select count(*)::int from event where event_type = 'SIGNED_UP' and event.usr_id = usr.usr_id) as events
      from usr
    `;
    const events = new Map(rows.map((row) => [row.email, row.events]));
    const missing = [...signups].filter(([email, { answered }]) => answered > 0 && !events.has(email));
    const wrong = [...events].filter(([email, count]) => count !== 1 || !signups.has(email));
    return [
      ...missing.map(([email]) => `${email} has no user`),
      ...wrong.map(([email, count]) => `${email} has ${count} events`),
    ];
  },

  async "every user has a mail, or a reason why not, and no more mails than signups"({ sql, signups, letters }) {
    const users = await sql<{ email: string; dead: string[] }[]>`
      select email, array(
        select task_id::text from task_dead where params ->> 'usr_id' = usr_id::text and reason <> ''
      ) as dead
      from usr
    `;
    const accepted = new Map<string, string[]>();
    for (const [id, { to, isTaken }] of letters) {
      for (const email of isTaken ? to : []) accepted.set(email, [...(accepted.get(email) ?? []), taskOf(id)]);
    }
    return users.flatMap(({ email, dead }) => {
      const { answered, unheard } = signups.get(email) ?? { answered: 0, unheard: 0 };
      const tasks = new Set([...dead, ...(accepted.get(email) ?? [])]).size;
      return tasks >= 1 && tasks <= answered + unheard
        ? []
        : [`${email}: ${answered}+${unheard} signups, ${tasks} tasks`];
    });
  },

  async "no task was mailed more often than it may be tried, and each under one Message-ID to one person"({ letters }) {
    const ids = Map.groupBy(letters.keys(), taskOf);
    const twice = [...ids].filter(([, all]) => all.length > 1).map(([task, all]) => `task ${task}: ${all.join(" ")}`);
    const wrong = [...letters].filter(([, { copies, to }]) => copies > mailAttempts || to.size !== 1);
    return [...twice, ...wrong.map(([id, { copies, to }]) => `${id}: ${copies} copies to ${[...to].join(" ")}`)];
  },

  async "nothing is owed any more, and nothing held"({ sql }) {
    const rows = await sql<{ task_id: string; task_type: string; worker_id: string | null }[]>`
      select task_id, task_type, worker_id from task
    `;
    return rows.map(({ task_id, task_type, worker_id }) => `${task_type} ${task_id} held by ${worker_id}`);
  },

  async "every consumer of the feed saw every event once, in order"({ sql }) {
    const feed = await sql<{ position: string }[]>`
      select xid::text || '-' || event_id as position from event order by xid, event_id
    `;
    const seen = await sql<{ position: string }[]>`select position from seen order by number`;
    const length = Math.max(feed.length, seen.length);
    const differ = Array.from(
      { length },
      (_, at) => `${at}: ${feed[at]?.position} came, ${seen[at]?.position} was seen`,
    );
    const behind = await unread(sql);
    return [
      ...differ.filter((_, at) => feed[at]?.position !== seen[at]?.position).slice(0, 10),
      ...behind.map(({ name, events }) => `${name} has ${events} events to read`),
    ];
  },

  async "each worker that lives has one session, and nobody else has one"({ sql, fleet }) {
    const pids = (await sql<{ pid: number }[]>`select pid from worker`).map(({ pid }) => pid);
    const alive = fleet.workers.map(({ process }) => process.child.pid!);
    const isRight = pids.length === alive.length && alive.every((pid) => pids.includes(pid));
    return isRight ? [] : [`sessions of ${pids.join(" ")}, alive are ${alive.join(" ")}`];
  },

  async "no process ended that was not killed"({ fleet }) {
    return fallen(fleet);
  },
};

/** The violated invariants, with details; empty when all hold. */
export async function checkInvariants(accounts: Accounts): Promise<Record<string, string[]>> {
  const wrong: Record<string, string[]> = {};
  for (const [name, book] of Object.entries(books)) {
    const lines = await book(accounts);
    console.log(`${lines.length === 0 ? "balanced" : "DOES NOT BALANCE"}: ${name}`);
    if (lines.length > 0) wrong[name] = lines;
  }
  return wrong;
}

/** As it stands in the Message-ID. */
const taskOf = (messageId: string) => /^<task\.(\d+)\./.exec(messageId)?.[1] ?? messageId;
