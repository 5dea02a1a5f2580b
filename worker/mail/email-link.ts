import type { Sql } from "../../app/db/connect.ts";
import { newToken } from "../../app/token.ts";
import { createBatch } from "./batch.ts";

type Request = { purpose: "verify" | "reset"; hours: number; usr_id: string };
type Link = { email: string; token: string };

/** Makes a token for a user's current address; nothing when the user is gone. */
export type MakeLink = (request: Request) => Promise<Link | undefined>;

/** Only the hash of a token is kept, so a repeated attempt has to make another token: each of them works. */
export function createMakeLink(sql: Sql): MakeLink {
  const insertTogether = createBatch((rows: Row[]) => insert(sql, rows, sql`skip locked`));

  return async (request) => {
    const { token, hash } = newToken();
    const row = { ...request, token_hash: hash.toString("hex") };
    const inserted = await insertTogether(row);
    // A user whose row is locked may be about to be deleted. Only this mail waits for it.
    const email = inserted.get(row.token_hash) ?? (await insert(sql, [row], sql``)).get(row.token_hash);
    return email === undefined ? undefined : { email, token };
  };
}

type Row = Request & { token_hash: string };
/** From the hash to the address. */
type Inserted = Map<string, string>;

async function insert(sql: Sql, rows: Row[], whenLocked: ReturnType<Sql>): Promise<Inserted> {
  const inserted = await sql<{ token_hash: string; email: string }[]>`
    insert into email_token (token_hash, purpose, usr_id, usr_version, email, expires_at)
    select decode(token_hash, 'hex'), purpose, usr_id, version, email, now() + make_interval(hours => hours)
    from jsonb_to_recordset(${sql.json(rows)}) as link (token_hash text, purpose text, usr_id bigint, hours int)
    join usr using (usr_id)
    for key share of usr ${whenLocked}
    returning encode(token_hash, 'hex') as token_hash, email
  `;
  return new Map(inserted.map(({ token_hash, email }) => [token_hash, email]));
}
