import type { Sql } from "../db/connect.ts";
import { projectName } from "../env.ts";
import type { Middleware } from "../http/context.ts";
import { isAlive } from "../log-in/session.ts";

/** The account's data, without hashes, mailed links and rows kept by address (`rate_limit`, `log_in_failure`, …). */
export function downloadData(sql: Sql): Middleware {
  return async (ctx) => {
    const [account] = await sql<{ data: object }[]>`
      select json_build_object(
        'email', email,
        'signed_up_at', created_at,
        'email_verified_at', (select verified_at from email_verified where email_verified.usr_id = usr.usr_id),
        'email_reminded_at', (select reminded_at from email_reminded where email_reminded.usr_id = usr.usr_id),
        'sessions', (
          select coalesce(json_agg(json_build_object(
            'browser', browser, 'address', address, 'began_at', created_at, 'seen_at', seen_at,
            'proved_at', proved_at, 'ends_at', expires_at
          ) order by session_id), '[]')
          from session
          where session.usr_id = usr.usr_id and ${isAlive(sql)}
        ),
        'known_browsers', (
          select coalesce(json_agg(json_build_object('known_since', created_at, 'logged_in_at', seen_at) order by created_at), '[]')
          from known_browser
          where known_browser.usr_id = usr.usr_id and usr_version = version
        ),
        'email_changes', (
          select coalesce(json_agg(json_build_object(
            'old_email', old_email, 'new_email', new_email, 'asked_at', created_at, 'confirmed_at', confirmed_at
          ) order by email_change_id), '[]')
          from email_change
          where email_change.usr_id = usr.usr_id
        ),
        'security_emails', (
          select coalesce(json_agg(json_build_object('browser', browser, 'network', network, 'caused_at', created_at)), '[]')
          from mail_cause
          where mail_cause.usr_id = usr.usr_id
        ),
        'activity', (
          select coalesce(json_agg(json_build_object('what', event_type, 'data', data, 'happened_at', created_at) order by event_id), '[]')
          from event
          where event.usr_id = usr.usr_id
        )
      ) as data
      from usr
      where usr_id = ${ctx.state.user.usr_id}
    `;
    // The account was deleted after the session was found.
    if (!account) return ctx.throw(401);
    ctx.attachment(`${projectName}-data.json`);
    ctx.type = "json";
    const ofModules = await ctx.state.findData(ctx.state.user);
    ctx.body = JSON.stringify({ ...account.data, ...ofModules }, null, 2);
  };
}
