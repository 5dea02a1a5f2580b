import postgres, { type TransactionSql } from "postgres";
import type { Sql } from "../db/connect.ts";
import { transact } from "../db/transaction.ts";
import { hashToken } from "../token.ts";

/**
 * Runs `move`, which gives an account the address of a mailed link. If another account holds the address and never verified it,
 * that one is deleted, because whoever reads the mail owns the address. "taken" if it is verified.
 * The deletion and the second move are one transaction: if the move fails, the other account stays.
 */
export async function takeAddress<Moved>(
  sql: Sql,
  token: string,
  move: (sql: Sql | TransactionSql) => Promise<Moved>,
): Promise<Moved | "taken"> {
  const moved = await move(sql).catch(asTaken);
  if (moved !== "taken") return moved;
  return transact(sql, async (tx) => {
    await deleteUnverified(tx, token);
    return move(tx);
  }).catch(asTaken);
}

/** Comes after `move` has failed, because only that shows that the link is valid. */
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

/** 23505: another account has the address. 23503: the account that held it is being verified, so it was not deleted. */
function asTaken(error: unknown): "taken" {
  if (!(error instanceof postgres.PostgresError)) throw error;
  const { code, table_name } = error;
  const isTaken = code === "23505" ? table_name === "usr" : code === "23503" && table_name === "email_verified";
  if (!isTaken) throw error;
  return "taken";
}
