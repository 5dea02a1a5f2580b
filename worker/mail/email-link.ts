import { setImmediate as nextTurn } from "node:timers/promises";
import type { Sql } from "../../app/db/connect.ts";
import { newToken } from "../../app/token.ts";

type Request = { purpose: "verify" | "reset"; hours: number; usr_id: string };
type Link = { email: string; token: string };

/** Makes a token for a user's present address; nothing when the user is gone. */
export type MakeLink = (request: Request) => Promise<Link | undefined>;

/**
 * Mails that start together share one statement, and one wait for the disk. Only the hash of a token is kept, so a repeated attempt
 * has to make another token: each of them works.
 */
export function createMakeLink(sql: Sql): MakeLink {
  let batch: Row[] = [];
  let insertion: Promise<Inserted> | undefined;

  async function insertBatch(): Promise<Inserted> {
    await nextTurn();
    const rows = batch;
    [batch, insertion] = [[], undefined];
    return insert(sql, rows, sql`skip locked`);
  }

  return async (request) => {
    const { token, hash } = newToken();
    const row = { ...request, token_hash: hash.toString("hex") };
    batch.push(row);
    insertion ??= insertBatch();

    const found = (await insertion).get(row.token_hash);
    // A user whose row is locked may be about to be deleted. This one mail waits, and then finds nobody.
    const email = found ?? (await insert(sql, [row], sql``)).get(row.token_hash);
    return email === undefined ? undefined : { email, token };
  };
}

type Row = Request & { token_hash: string };
/** From the hash to the address. */
type Inserted = Map<string, string>;

async function insert(sql: Sql, rows: Row[], whenLocked: ReturnType<Sql>): Promise<Inserted> {
  const inserted = await sql<{ token_hash: string; email: string }[]>`
    insert into email_token (token_hash, purpose, usr_id, email, expires_at)
    select decode(token_hash, 'hex'), purpose, usr_id, email, now() + make_interval(hours => hours)
    from jsonb_to_recordset(${sql.json(rows)}) as link (token_hash text, purpose text, usr_id bigint, hours int)
    join usr using (usr_id)
    for key share of usr ${whenLocked}
    returning encode(token_hash, 'hex') as token_hash, email
  `;
  return new Map(inserted.map(({ token_hash, email }) => [token_hash, email]));
}
