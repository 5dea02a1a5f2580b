import { inWords, shownTypes, type Happened } from "../events/activity.ts";
import { browserName } from "../log-in/browser-name.ts";
import { plainAddress } from "../http/rate-limit.ts";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { isAlive } from "../log-in/session.ts";

const notices = new Map([
  ["password-changed", "Your password was changed. We logged out all other browsers."],
  ["email-changed", "Your email address was changed. We logged out all other browsers."],
  ["session-ended", "The session was ended."],
]);

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

type Session = { session_id: string; browser: string; address: string; seen_at: Date; is_this: boolean };

export function showAccount(sql: Sql): Middleware {
  return async (ctx) => {
    const { usr_id, session_id, email } = ctx.state.user;
    const rows = await sql<(Session & { activity: Happened[] | null })[]>`
      select
        session_id, browser, address, seen_at, session_id = ${session_id} as is_this,
        -- In one row only, not in each session's.
        case when session_id = ${session_id} then (
          select json_agg(happened)
          from (
            select event_type, data, created_at
            from event
            where event.usr_id = ${usr_id} and event_type = any(${shownTypes(ctx.state.eventWords)})
            order by event_id desc
            limit 20
          ) as happened
        ) end as activity
      from session
      join usr using (usr_id)
      where usr_id = ${usr_id} and ${isAlive(sql)}
      order by is_this desc, seen_at desc, session_id desc
      limit 100
    `;
    const activity = (rows[0]?.activity ?? []).map((happened) => inWords(happened, ctx.state.eventWords));
    const sessions = rows.map(({ browser, address, seen_at, ...session }) => ({
      ...session,
      address: plainAddress(address),
      browser: browserName(browser),
      seen: day.format(seen_at),
      seen_on: seen_at.toISOString().slice(0, 10),
    }));
    const notice = notices.get(ctx.querystring);
    await page(ctx, "account/account", { title: "Your account", email, sessions, activity, notice });
  };
}
