import postgres, { type TransactionSql } from "postgres";
import type { Sql } from "../db/connect.ts";
import { transact } from "../db/transaction.ts";
import { hashToken } from "../token.ts";

class LinkEnded extends Error {}

/**
 * Runs `move`, which gives an account the address of a mailed link. If another account has the address, it is deleted
 * when it is unverified, because the reader of the mail owns the address. Returns "taken" when it is verified.
 */
export async function takeAddress(
  sql: Sql,
  token: string,
  move: (sql: Sql | TransactionSql) => Promise<boolean>,
): Promise<boolean | "taken"> {
  const isMoved = await move(sql).catch(asTaken);
  if (isMoved !== "taken") return isMoved;
  return transact(sql, async (tx) => {
    await lockOwner(tx, token);
    await deleteUnverified(tx, token);
    // The link may have ended meanwhile. Then the other account stays.
    if (!(await move(tx))) throw new LinkEnded();
    return true;
  }).catch((error: unknown) => (error instanceof LinkEnded ? false : asTaken(error)));
}

/**
 * The owner's lock comes first, as in `move`: two requests with one link would wait for each other otherwise. A frozen web
 * process must not keep these locks.
 */
async function lockOwner(sql: TransactionSql, token: string): Promise<void> {
  await sql`
    select
      set_config('statement_timeout', '5s', true),
      set_config('idle_in_transaction_session_timeout', '5s', true)
  `;
  await sql`
    select
    from usr
    join email_token using (usr_id)
    where token_hash = ${hashToken(token)}
    for update of usr
  `;
}

/** Call it only after `move` found the address taken: that shows that the link is valid. */
async function deleteUnverified(sql: TransactionSql, token: string): Promise<void> {
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
