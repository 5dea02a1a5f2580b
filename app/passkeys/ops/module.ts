import { z } from "zod";
import type { Sql } from "../../db/connect.ts";
import { wantsJson, type Context, type Middleware } from "../../http/context.ts";
import { defineModule } from "../../http/module.ts";
import { page } from "../../http/page.ts";
import { findCurrentUser } from "../../log-in/session.ts";

/** With OPS_REQUIRE_PASSKEY=1, the operations pages open only in sessions that a passkey has begun or proved. */
export const requirePasskeys = defineModule({
  requires: ["ops", "passkeys"],
  env: { OPS_REQUIRE_PASSKEY: z.enum(["0", "1"], "must be 0 or 1").default("0") },

  start({ sql, env }) {
    if (env.OPS_REQUIRE_PASSKEY !== "1") return {};
    return { addGuards: (router) => router.use("/ops", requirePasskey(sql)) };
  },
});

/** Asks operators alone. Everyone else gets the 404 of an unknown page, as without this. */
function requirePasskey(sql: Sql): Middleware {
  return async (ctx, next) => {
    const user = await findCurrentUser(sql, ctx);
    const [operator] = await sql<{ used_passkey: boolean; has_passkey: boolean }[]>`
      select
        exists (select from passkey_session where session_id = ${user?.session_id ?? "0"}) as used_passkey,
        exists (select from passkey where usr_id = operator.usr_id and usr_version = version) as has_passkey
      from operator
      join usr using (usr_id)
      where usr_id = ${user?.usr_id ?? "0"}
    `;
    if (operator && !operator.used_passkey) return askForPasskey(ctx, operator.has_passkey);
    await next();
  };
}

async function askForPasskey(ctx: Context, hasPasskey: boolean): Promise<void> {
  ctx.status = 403;
  if (wantsJson(ctx)) {
    ctx.body = { error: "Operators need a passkey here. Log in with one." };
    return;
  }
  await page(ctx, "passkeys/ops/use-passkey", { title: "Use a passkey", hasPasskey });
}
