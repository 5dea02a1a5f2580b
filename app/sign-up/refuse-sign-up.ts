import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, showExpiredLink } from "../http/responses.ts";
import { hashToken } from "../token.ts";

const fields = z.object({ token: z.string().catch("") });

/** "I did not sign up": the page behind the second link of the welcome mail. */
export function showRefuseSignUp(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const [account] = await sql<{ email: string }[]>`
      select email
      from email_token
      join usr using (usr_id, email)
      where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now() and version = usr_version
        and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
    `;
    if (!account) return refuseLink(ctx);
    await page(ctx, "sign-up/refuse-sign-up", { title: "Delete this account?", token, email: account.email });
  };
}

/** Deletes the unverified account. For a day, its mailbox gets no mail from us. */
export function refuseSignUp(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    const [refused] = await sql`
      with account as (
        -- A verification in the same moment raises the version: after the wait for its lock, no row matches.
        delete from usr
        using email_token
        where token_hash = ${hashToken(token)} and purpose = 'verify' and expires_at > now()
          and usr.usr_id = email_token.usr_id and usr.email = email_token.email and usr.version = usr_version
          and not exists (select from email_verified where email_verified.usr_id = usr.usr_id)
        returning usr.usr_id, usr.email
      ), account_deleted as (
        insert into event (event_type, usr_id, data)
        select 'ACCOUNT_DELETED', usr_id, '{"because": "refused"}'::jsonb from account
      )
      insert into email_suppression (email, ends_at)
      select mailbox_of(email), now() + interval '1 day' from account
      on conflict (email) do update set ends_at = excluded.ends_at
      returning email
    `;
    if (!refused) return refuseLink(ctx);
    accepted(ctx, "/signup/refused");
  };
}

export function showSignUpRefused(): Middleware {
  return (ctx) => page(ctx, "sign-up/sign-up-refused", { title: "Account deleted" });
}

function refuseLink(ctx: Context): Promise<void> {
  return showExpiredLink(ctx, { href: "/", label: "Go to the start page" });
}
