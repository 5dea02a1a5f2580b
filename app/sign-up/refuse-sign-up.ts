import { z } from "zod";
import { accepted, showDeadLink } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { hashToken } from "../token.ts";

const fields = z.object({ token: z.string().catch("") });

/** "I did not sign up": the page behind the second link of the welcome mail. */
export function showRefuseSignUp(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const [user] = await sql<{ email: string }[]>`
      select email
      from email_token
      join usr using (usr_id, email)
      where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
    `;
    if (!user) return refuseLink(ctx);
    await page(ctx, "sign-up/refuse-sign-up", { title: "You did not sign up?", token, email: user.email });
  };
}

/** Deletes the account that nobody has verified. For a day, its mailbox gets no mail from us. */
export function refuseSignUp(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    const refused = await deleteUser(sql, token).catch(verifiedMeanwhile);
    if (!refused) return refuseLink(ctx);
    accepted(ctx, "/signup/refused");
  };
}

export function showSignUpRefused(): Middleware {
  return (ctx) => page(ctx, "sign-up/sign-up-refused", { title: "The account is deleted" });
}

async function deleteUser(sql: Sql, token: string): Promise<boolean> {
  const rows = await sql`
    with refused as (
      delete from usr
      using email_token
      where email_token.token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
        and usr.usr_id = email_token.usr_id and usr.email = email_token.email
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
      returning usr.usr_id, usr.email
    ), told as (
      insert into event (event_type, usr_id, data)
      select 'ACCOUNT_DELETED', usr_id, '{"because": "refused"}'::jsonb from refused
    )
    insert into email_suppression (email, ends_at)
    select mailbox_of(email), now() + interval '1 day' from refused
    on conflict (email) do update set ends_at = excluded.ends_at
    returning true
  `;
  return rows.length === 1;
}

/** The foreign key without cascade: a row in email_verified that this statement's snapshot did not show. */
function verifiedMeanwhile(error: unknown): false {
  if (error instanceof Error && "code" in error && error.code === "23503") return false;
  throw error;
}

function refuseLink(ctx: Context): Promise<void> {
  return showDeadLink(ctx, { href: "/", label: "Go to the start page" });
}
