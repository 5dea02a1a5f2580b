import type { Response } from "supertest";
import { createPasswords } from "../../app/password/password.ts";
import type { Sql } from "../../app/db/connect.ts";
import { newToken } from "../../app/token.ts";
import { until } from "./until.ts";

/** Cheap hashes, for tests of something else. */
export const passwords = createPasswords({ cost: { memoryCost: 8, timeCost: 1, parallelism: 1 } });

const noDeadline = new AbortController().signal;

export const ada = { email: "ada@example.com", password: "twelve engines hum" };

/** Adds a user, who can log in when verified. Returns the `usr_id`. */
export async function addUser(sql: Sql, { email, password } = ada, isVerified = true): Promise<string> {
  const hash = await passwords.hash(password, noDeadline);
  const [user] = await sql<{ usr_id: string }[]>`
    with owner as (
      insert into usr (email, password_hash) values (${email}, ${hash}) returning usr_id
    ), verified as (
      insert into email_verified (usr_id) select usr_id from owner where ${isVerified}
    )
    select usr_id from owner
  `;
  return user!.usr_id;
}

/** Whether it is the current password. */
export async function hasPassword(sql: Sql, usrId: string, password: string): Promise<boolean> {
  const [user] = await sql<{ password_hash: string }[]>`select password_hash from usr where usr_id = ${usrId}`;
  return passwords.verify(user?.password_hash, password, noDeadline);
}

/** Logs the user in. Returns the cookie of the session. */
export async function openSession(sql: Sql, usrId: string, columns: object = {}): Promise<string> {
  const { token, hash } = newToken();
  const [user] = await sql<{ version: number }[]>`select version from usr where usr_id = ${usrId}`;
  await sql`
    insert into session ${sql({ token_hash: hash, usr_id: usrId, usr_version: user!.version, ...columns })}
  `;
  return `session=${token}`;
}

/** The session cookie that a response sets. */
export const sessionOf = (answer: Response) => /session=[\w-]{43}/.exec(answer.get("Set-Cookie")?.join() ?? "")?.[0];

/** The sessions that no new version of the user has ended. */
export const liveSessions = (sql: Sql) => sql<{ usr_id: string }[]>`
  select usr_id
  from session
  join usr using (usr_id)
  where coalesce(usr_version, version) = version
`;

/** The links that no new version of the user has ended. */
export const liveLinks = (sql: Sql) => sql<{ usr_id: string; purpose: string }[]>`
  select usr_id, purpose
  from email_token
  join usr using (usr_id)
  where coalesce(usr_version, version) = version
`;

type LinkColumns = Record<string, unknown> & { email_change_id?: string };

/** Adds a link of a mail. Returns its token. */
export async function addLink(sql: Sql, purpose: string, usrId: string, columns: LinkColumns = {}): Promise<string> {
  const { token, hash } = newToken();
  const [user] = await sql<{ email: string; version: number }[]>`
    select coalesce(new_email, email) as email, version
    from usr
    left join email_change on ${purpose} = 'change' and email_change_id = ${columns.email_change_id ?? null}
    where usr.usr_id = ${usrId}
  `;
  const usr_version = purpose === "revert" ? null : user!.version;
  const expires_at = new Date(Date.now() + 3600_000);
  const link = { token_hash: hash, purpose, usr_id: usrId, usr_version, email: user!.email, expires_at, ...columns };
  await sql`insert into email_token ${sql(link)}`;
  return token;
}

/**
 * Races requests in the same order each time: they queue for the locked row of the user, one after the other, and then
 * the lock is released. A request that needs no lock on the row responds at once. Under `for no key update`, rows that
 * refer to the user can be written.
 */
export async function race<Answer>(
  sql: Sql,
  usrId: string,
  requests: (() => PromiseLike<Answer>)[],
  lock = sql`for update`,
): Promise<Answer[]> {
  const locked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const holder = sql.begin(async (tx) => {
    await tx`select from usr where usr_id = ${usrId} ${lock}`;
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;

  const answers: Promise<Answer>[] = [];
  let answered = 0;
  for (const request of requests) {
    answers.push(Promise.resolve(request()).finally(() => (answered += 1)));
    await until("the request waits or responds", async () => {
      const waiting = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
      `;
      return waiting.length + answered === answers.length;
    });
  }
  gate.resolve();
  await holder;
  return Promise.all(answers);
}
