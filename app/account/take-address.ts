import postgres from "postgres";
import type { Sql } from "../db/connect.ts";
import { hashToken } from "../token.ts";

/**
 * Runs `move`, which gives an account the address of a mailed link. If another account has the address, it is deleted
 * when it is unverified, because the reader of the mail owns the address. Returns "taken" when it is verified.
 */
export async function takeAddress<Moved>(
  sql: Sql,
  token: string,
  move: () => Promise<Moved>,
): Promise<Moved | "taken"> {
  const moved = await move().catch(asTaken);
  if (moved !== "taken") return moved;
  return deleteUnverified(sql, token).then(move).catch(asTaken);
}

/** Call it only after `move` found the address taken: that shows that the link is valid. */
async function deleteUnverified(sql: Sql, token: string): Promise<void> {
  await sql`
    with deleted as (
      delete from usr
      using email_token
      where token_hash = ${hashToken(token)} and usr.email = email_token.email
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
      returning usr.usr_id
    )
    insert into event (event_type, usr_id, data)
    select 'ACCOUNT_DELETED', usr_id, '{"because": "another account verified the address"}'
    from deleted
  `;
}

/** 23505: another account has the address. 23503: that account is being verified, so it was not deleted. */
function asTaken(error: unknown): "taken" {
  if (!(error instanceof postgres.PostgresError)) throw error;
  const { code, table_name } = error;
  const isTaken = code === "23505" ? table_name === "usr" : code === "23503" && table_name === "email_verified";
  if (!isTaken) throw error;
  return "taken";
}
