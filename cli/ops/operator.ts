import { parseArgs } from "node:util";
import type { Sql } from "../../app/db/connect.ts";
import { logAction } from "../../app/ops/actions.ts";
import { normalizeEmail } from "../../app/sign-up/email.ts";
import { columns, fail, print, runCommand, type Command } from "../command.ts";

const usage = `Who may open /ops.

  npm run operator -- grant EMAIL
  npm run operator -- revoke EMAIL
  npm run operator -- list [--json]
`;

await runCommand(usage, () => {
  const { values, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });
  const [verb, email, ...more] = positionals;
  if (more.length > 0) return undefined;
  if (verb === "list" && email === undefined) return list(values.json ?? false);
  if (email === undefined || values.json) return undefined;
  if (verb === "grant") return grant(normalizeEmail(email));
  if (verb === "revoke") return revoke(normalizeEmail(email));
  return undefined;
});

/** Grants only to a verified address: a stranger may have signed up with an address that is not theirs. */
function grant(email: string): Command {
  return async (sql) => {
    const [found] = await sql`
      with found as (
        select usr_id
        from usr
        join email_verified using (usr_id)
        where email = ${email}
      ), granted as (
        insert into operator (usr_id)
        select usr_id from found
        on conflict do nothing
        returning usr_id
      ), logged as (${log(sql, "grant", "granted")})
      select usr_id from found
    `;
    if (!found) return fail(`No account has verified the address ${email}.`);
    print(`${email} is an operator.`);
    return true;
  };
}

function revoke(email: string): Command {
  return async (sql) => {
    const [revoked] = await sql`
      with revoked as (
        delete from operator
        using usr
        where usr.usr_id = operator.usr_id and email = ${email}
        returning operator.usr_id
      ), logged as (${log(sql, "revoke", "revoked")})
      select usr_id from revoked
    `;
    if (!revoked) return fail(`${email} is not an operator.`);
    print(`${email} is no longer an operator.`);
    return true;
  };
}

function list(isJson: boolean): Command {
  return async (sql) => {
    const operators = await sql<{ email: string; granted_at: Date }[]>`
      select email, granted_at
      from operator
      join usr using (usr_id)
      order by email
    `;
    const rows = operators.map(({ email, granted_at }) => [email, granted_at.toISOString()]);
    print(isJson ? JSON.stringify(operators) : columns([["EMAIL", "SINCE"], ...rows]));
    return true;
  };
}

function log(sql: Sql, what: "grant" | "revoke", changed: string) {
  return logAction(sql, what, null, sql`jsonb_build_object('of_usr_id', usr_id::text)`, sql`${sql(changed)}`);
}
