import { z } from "zod";
import { accepted } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { clearSession } from "../log-in/session.ts";

const fields = z.object({
  session_id: z
    .string()
    .regex(/^\d{1,18}$/)
    .catch("0"),
});

/** Ends one of the user's own sessions. The response is the same if there is no such session. */
export function endSession(sql: Sql): Middleware {
  return async (ctx) => {
    const { session_id } = fields.parse(ctx.request.body);
    await sql`
      delete from session
      where session_id = ${session_id} and usr_id = ${ctx.state.user.usr_id}
    `;
    accepted(ctx, "/account?session-ended");
  };
}

export function logOutEverywhere(sql: Sql): Middleware {
  return async (ctx) => {
    // Lock the user first, as everywhere: two statements that lock sessions in different orders would deadlock.
    await sql`
      with account as (
        select usr_id
        from usr
        where usr_id = ${ctx.state.user.usr_id}
        for no key update
      )
      delete from session
      using account
      where session.usr_id = account.usr_id
    `;
    clearSession(ctx);
    accepted(ctx, "/login?out");
  };
}
