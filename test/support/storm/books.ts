import type { Sql } from "../../../app/db/connect.ts";
import { fallen } from "./calm.ts";
import type { Fleet } from "./fleet.ts";
import type { Signups } from "./load.ts";
import { unread } from "./feed.ts";
import type { Letter } from "./post-office.ts";

type Accounts = { sql: Sql; signups: Signups; letters: Map<string, Letter>; fleet: Fleet };

/** What does not balance, one line each; nothing when all is well. */
type Book = (accounts: Accounts) => Promise<string[]>;

const mailsAnHour = 3;
const mailAttempts = 5;

/** What must balance after the storm. */
const books: Record<string, Book> = {
  async "every signup that was answered has one user, and counts once"({ sql, signups }) {
    const counted = new Map(
      (
        await sql<{ email: string; hits: number; users: number }[]>`
        select subject as email, hits, (select count(*)::int from usr where usr.email = subject) as users
        from rate_limit
        where action = 'mail'
      `
      ).map(({ email, ...row }) => [email, row]),
    );
    return [...signups].flatMap(([email, { answered, unheard }]) => {
      const { hits, users } = counted.get(email) ?? { hits: 0, users: 0 };
      const isRight = hits >= answered && hits <= answered + unheard && users === Math.min(hits, 1);
      return isRight ? [] : [`${email}: ${answered} answered, ${unheard} unheard, ${hits} written, ${users} users`];
    });
  },

  async "every user has the mails that are owed, or a reason why not"({ sql, letters }) {
    const users = await sql<{ email: string; hits: number; dead: string[] }[]>`
      select email, coalesce(hits, 0) as hits, array(
        select task_id::text from task_dead where params ->> 'usr_id' = usr_id::text and reason <> ''
      ) as dead
      from usr
      left join rate_limit on action = 'mail' and subject = email
    `;
    const taken = new Map<string, string[]>();
    for (const [id, { to, isTaken }] of letters) {
      for (const email of isTaken ? to : []) taken.set(email, [...(taken.get(email) ?? []), taskOf(id)]);
    }
    return users.flatMap(({ email, hits, dead }) => {
      const accounted = new Set([...dead, ...(taken.get(email) ?? [])]).size;
      return accounted === Math.min(hits, mailsAnHour)
        ? []
        : [`${email}: ${hits} signups, ${accounted} tasks accounted`];
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

/** The books that don't balance, with what is wrong; empty when all is well. */
export async function balance(accounts: Accounts): Promise<Record<string, string[]>> {
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
