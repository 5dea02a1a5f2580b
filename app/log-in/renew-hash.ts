import type { PendingQuery, Row } from "postgres";
import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import type { Passwords } from "../password/password.ts";
import { sessionDigest } from "./session.ts";

type User = { usr_id: string; password_hash: string };

/**
 * Hashes the password anew when the parameters have risen since, after a log-in: only then is it at hand. Sessions go on.
 * A failure is logged and costs nothing but the renewal: the next log-in tries it again.
 */
export async function renewHash(sql: Sql, passwords: Passwords, ctx: Context, user: User, password: string) {
  if (!passwords.isOutdated(user.password_hash)) return;
  try {
    const hash = await passwords.hash(password, ctx.state.deadline);
    await replaceHash(sql, user, hash);
  } catch (error) {
    ctx.state.log.warn({ err: error }, "password hash not renewed");
  }
}

async function replaceHash(sql: Sql, { usr_id, password_hash }: User, hash: string): Promise<void> {
  await sql`
    with owner as (
      select usr_id, email
      from usr
      where usr_id = ${usr_id} and password_hash = ${password_hash}
      -- Waits for log-ins that are under way: they hold the row for key share.
      for update
    ), renewed as (
      update usr
      set password_hash = ${hash}
      from owner
      where usr.usr_id = owner.usr_id
    )
    ${keepSessions(sql, password_hash, hash, sql`owner`)}
  `;
  // Those log-ins began sessions after the snapshot of the statement that waited for them.
  const renewed = sql`(select usr_id, email from usr where usr_id = ${usr_id} and password_hash = ${hash}) as owner`;
  await keepSessions(sql, password_hash, hash, renewed);
}

/** Sessions that began under the former hash count under the new one. */
const keepSessions = (sql: Sql, former: string, hash: string, owner: PendingQuery<Row[]>) => sql`
  update session
  set password_digest = ${sessionDigest(sql, sql`email`, sql`${hash}::text`)}
  from ${owner}
  where session.usr_id = owner.usr_id
    and password_digest = ${sessionDigest(sql, sql`email`, sql`${former}::text`)}
`;
