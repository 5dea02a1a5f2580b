import type { Sql } from "../../app/db/connect.ts";
import { newToken } from "../../app/token.ts";
import { createBatch } from "./batch.ts";
import type { Letter } from "./mailer.ts";

const links = {
  verify: { path: "/verify", hours: 24 },
  reset: { path: "/password/reset", hours: 1 },
  secure: { path: "/account/secure", hours: 24 },
};
type Purpose = keyof typeof links;

/** Makes a link for a user's current address. Undefined if the user is gone, or no longer has the version, if one is named. */
export type MakeLink = (purpose: Purpose, usrId: string, version?: number) => Promise<Letter | undefined>;

/** Only the hash of a token is stored, so each attempt makes another token. All of them work. */
export function createMakeLink(sql: Sql): MakeLink {
  const insertTogether = createBatch((rows: Row[]) => insert(sql, rows, sql`skip locked`));

  return async (purpose, usr_id, version) => {
    const { path, hours } = links[purpose];
    const { token, hash } = newToken();
    const row = { purpose, hours, usr_id, version, token_hash: hash.toString("hex") };
    const emails = await insertTogether(row);
    // A user whose row is locked may be about to be deleted. Only this mail waits for it.
    const to = emails.get(row.token_hash) ?? (await insert(sql, [row], sql``)).get(row.token_hash);
    return to === undefined ? undefined : { to, path: `${path}?token=${token}`, data: { token } };
  };
}

type Row = { purpose: Purpose; hours: number; usr_id: string; version: number | undefined; token_hash: string };

/** Returns the addresses by hash. A link ends when the user's version rises. */
async function insert(sql: Sql, rows: Row[], whenLocked: ReturnType<Sql>): Promise<Map<string, string>> {
  const inserted = await sql<{ token_hash: string; email: string }[]>`
    insert into email_token (token_hash, purpose, usr_id, usr_version, email, expires_at)
    select decode(token_hash, 'hex'), purpose, usr_id, usr.version, email, now() + make_interval(hours => hours)
    from jsonb_to_recordset(${sql.json(rows)})
      as link (token_hash text, purpose text, usr_id bigint, version int, hours int)
    join usr using (usr_id)
    where link.version is null or link.version = usr.version
    for key share of usr ${whenLocked}
    returning encode(token_hash, 'hex') as token_hash, email
  `;
  return new Map(inserted.map(({ token_hash, email }) => [token_hash, email]));
}
