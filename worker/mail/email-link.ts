import type { Sql } from "../../app/db.ts";
import { newToken } from "../../app/token.ts";

type Link = { email: string; token: string };

/**
 * One statement makes a token for a user's present address; nothing when the user is gone. Its hash alone is kept, so that a
 * repeated attempt has to make another: each of them works.
 */
export async function makeLink(
  sql: Sql,
  { purpose, hours, usr_id }: { purpose: "verify" | "reset"; hours: number; usr_id: string },
): Promise<Link | undefined> {
  const { token, hash } = newToken();
  const [made] = await sql<{ email: string }[]>`
    insert into email_token (token_hash, purpose, usr_id, email, expires_at)
    select ${hash}, ${purpose}, usr_id, email, now() + make_interval(hours => ${hours})
    from usr
    where usr_id = ${usr_id}
    -- Waits for who deletes the user at this moment, and then finds nobody.
    for key share
    returning email
  `;
  return made && { ...made, token };
}
