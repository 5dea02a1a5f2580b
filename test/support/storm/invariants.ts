import type { Sql } from "../../../app/db/connect.ts";
import { unexpectedExits } from "./quiesce.ts";
import type { Fleet } from "./fleet.ts";
import type { Signups } from "./load.ts";
import { unread } from "./feed.ts";
import type { SentMail } from "./flaky-smtp-server.ts";

type Accounts = { sql: Sql; signups: Signups; mails: Map<string, SentMail>; fleet: Fleet };

/** Returns the violations, one line each. */
type Invariant = (accounts: Accounts) => Promise<string[]>;

const mailAttempts = 5;

const invariants: Record<string, Invariant> = {
  async "every confirmed signup has one user and one event, and every user has a signup"({ sql, signups }) {
    const rows = await sql<{ email: string; events: number }[]>`
      select email, (select count(*)::int from event where event_type = 'SIGNED_UP' and event.usr_id = usr.usr_id) as events
      from usr
    `;
    const events = new Map(rows.map((row) => [row.email, row.events]));
    const missing = [...signups].filter(([email, { confirmed }]) => confirmed > 0 && !events.has(email));
    const wrong = [...events].filter(([email, count]) => count !== 1 || !signups.has(email));
    return [
      ...missing.map(([email]) => `${email} has no user`),
      ...wrong.map(([email, count]) => `${email} has ${count} events`),
    ];
  },

  async "every user has a mail or a dead task, and no more mails than signups"({ sql, signups, mails }) {
    const users = await sql<{ email: string; dead: string[] }[]>`
      select email, array(
        select task_id::text from task_dead where params ->> 'usr_id' = usr_id::text and reason <> ''
      ) as dead
      from usr
    `;
    const accepted = new Map<string, string[]>();
    for (const [id, { to, isAccepted }] of mails) {
      for (const email of isAccepted ? to : []) accepted.set(email, [...(accepted.get(email) ?? []), taskOf(id)]);
    }
    return users.flatMap(({ email, dead }) => {
      const { confirmed, unconfirmed } = signups.get(email) ?? { confirmed: 0, unconfirmed: 0 };
      const tasks = new Set([...dead, ...(accepted.get(email) ?? [])]).size;
      return tasks >= 1 && tasks <= confirmed + unconfirmed
        ? []
        : [`${email}: ${confirmed}+${unconfirmed} signups, ${tasks} tasks`];
    });
  },

  async "no task has more mails than attempts, and all have one Message-ID and one recipient"({ mails }) {
    const ids = Map.groupBy(mails.keys(), taskOf);
    const twice = [...ids].filter(([, all]) => all.length > 1).map(([task, all]) => `task ${task}: ${all.join(" ")}`);
    const wrong = [...mails].filter(([, { copies, to }]) => copies > mailAttempts || to.size !== 1);
    return [...twice, ...wrong.map(([id, { copies, to }]) => `${id}: ${copies} copies to ${[...to].join(" ")}`)];
  },

  async "no task is left"({ sql }) {
    const rows = await sql<{ task_id: string; task_type: string; worker_id: string | null }[]>`
      select task_id, task_type, worker_id from task
    `;
    return rows.map(({ task_id, task_type, worker_id }) => `${task_type} ${task_id} with worker ${worker_id}`);
  },

  async "every consumer of the feed saw each event once, in order"({ sql }) {
    const feed = await sql<{ position: string }[]>`
      select xid::text || '-' || event_id as position from event order by xid, event_id
    `;
    const seen = await sql<{ position: string }[]>`select position from seen order by number`;
    const length = Math.max(feed.length, seen.length);
    const differ = Array.from(
      { length },
      (_, at) => `${at}: ${feed[at]?.position} in the feed, ${seen[at]?.position} seen`,
    );
    const behind = await unread(sql);
    return [
      ...differ.filter((_, at) => feed[at]?.position !== seen[at]?.position).slice(0, 10),
      ...behind.map(({ name, events }) => `${name} has ${events} events to read`),
    ];
  },

  async "the rows of worker are those of the running workers"({ sql, fleet }) {
    const pids = (await sql<{ pid: number }[]>`select pid from worker`).map(({ pid }) => pid);
    const alive = fleet.workers.map(({ process }) => process.child.pid!);
    const isRight = pids.length === alive.length && alive.every((pid) => pids.includes(pid));
    return isRight ? [] : [`rows of ${pids.join(" ")}, running are ${alive.join(" ")}`];
  },

  async "no process exited by itself"({ fleet }) {
    return unexpectedExits(fleet);
  },
};

/** The violated invariants, with details; empty when all hold. */
export async function checkInvariants(accounts: Accounts): Promise<Record<string, string[]>> {
  const wrong: Record<string, string[]> = {};
  for (const [name, check] of Object.entries(invariants)) {
    const lines = await check(accounts);
    console.log(`${lines.length === 0 ? "holds" : "VIOLATED"}: ${name}`);
    if (lines.length > 0) wrong[name] = lines;
  }
  return wrong;
}

/** The task_id in a Message-ID. */
const taskOf = (messageId: string) => /^<task\.(\d+)\./.exec(messageId)?.[1] ?? messageId;
