import type { Sql } from "../../app/db/connect.ts";
import { addLink } from "./accounts.ts";

export async function emailOf(sql: Sql, usrId: string): Promise<string> {
  const [user] = await sql<{ email: string }[]>`select email from usr where usr_id = ${usrId}`;
  return user!.email;
}

/** A requested change of address. */
export async function addEmailChange(
  sql: Sql,
  usrId: string,
  new_email: string,
  columns: object = {},
): Promise<{ email_change_id: string }> {
  const row = { usr_id: usrId, old_email: await emailOf(sql, usrId), new_email, ...columns };
  const [change] = await sql<{ email_change_id: string }[]>`
    insert into email_change ${sql(row)} returning email_change_id
  `;
  return change!;
}

/** Requests a change. Returns the token of the link that the new address gets. */
export async function requestEmailChange(
  sql: Sql,
  usrId: string,
  email: string,
  columns: object = {},
): Promise<string> {
  const change = await addEmailChange(sql, usrId, email);
  return addLink(sql, "change", usrId, { ...change, email, ...columns });
}

/** Changes the address. Returns the token of the revert link that the former address gets. */
export async function moveToNewEmail(sql: Sql, usrId: string, newEmail: string, columns: object = {}): Promise<string> {
  const email = await emailOf(sql, usrId);
  const change = await addEmailChange(sql, usrId, newEmail);
  await sql`update email_change set confirmed_at = now() where email_change_id = ${change.email_change_id}`;
  await sql`update usr set email = ${newEmail}, version = version + 1 where usr_id = ${usrId}`;
  return addLink(sql, "revert", usrId, { ...change, email, ...columns });
}
