import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, showExpiredLink } from "../http/responses.ts";
import { mailParams } from "../log-in/mail-cause.ts";
import { hashToken } from "../token.ts";

const fields = z.object({ token: z.string().catch("") });

/** "It was not me": the page behind the link in a notice. It needs no log-in: a thief may have logged the owner out. */
export function showSecureAccount(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.query);
    const [link] = await sql<{ email: string }[]>`
      select usr.email
      from email_token
      join usr using (usr_id)
      where token_hash = ${hashToken(token)} and purpose = 'secure' and expires_at > now() and usr_version = version
    `;
    if (!link) return refuseLink(ctx);
    await page(ctx, "account/secure-account", { title: "Secure your account", token, email: link.email });
  };
}

/**
 * The raised version ends all sessions, known browsers and mailed links but revert links, this link included. The mail
 * with the new link goes to the address of the account.
 */
export function secureAccount(sql: Sql): Middleware {
  return async (ctx) => {
    const { token } = fields.parse(ctx.request.body);
    const [secured] = await sql`
      with account as (
        update usr
        -- A thief may know the password. No password fits a text that is no hash.
        set password_hash = 'none', version = version + 1
        from email_token
        where token_hash = ${hashToken(token)} and purpose = 'secure' and expires_at > now()
          and usr.usr_id = email_token.usr_id and version = usr_version
        returning usr.usr_id
      ), password_changed as (
        insert into event (event_type, usr_id, data)
        select 'PASSWORD_CHANGED', usr_id, '{"because": "secured"}' from account
      )
      insert into task (task_type, params)
      select 'SEND_EMAIL_PASSWORD_RESET', ${mailParams(sql, ctx)} || '{"because": "secured"}'
      from account
      returning true
    `;
    if (!secured) return refuseLink(ctx);
    accepted(ctx, "/account/secured");
  };
}

export function showAccountSecured(): Middleware {
  return (ctx) => page(ctx, "account/account-secured", { title: "Your account is secured" });
}

function refuseLink(ctx: Context): Promise<void> {
  return showExpiredLink(ctx, { href: "/password/forgot", label: "Choose a new password" });
}
