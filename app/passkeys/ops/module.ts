import { z } from "zod";
import type { Sql } from "../../db/connect.ts";
import { wantsJson, type Context, type Middleware } from "../../http/context.ts";
import { defineModule } from "../../http/module.ts";
import { page } from "../../http/page.ts";
import { findCurrentUser } from "../../log-in/session.ts";
import { relyingParty } from "../relying-party.ts";

const noPasskeys = "OPS_REQUIRE_PASSKEY=1 needs an ORIGIN where passkeys work: https with a host name, or localhost.";

/**
 * With OPS_REQUIRE_PASSKEY=1, the operations pages open to operators only in sessions that a passkey has begun or proved.
 * An operator with a passkey also needs such a session to change how the account logs in: a thief of the password could
 * otherwise add a passkey of his own.
 */
export const requirePasskeys = defineModule({
  requires: ["ops", "passkeys"],
  env: { OPS_REQUIRE_PASSKEY: z.enum(["0", "1"], "must be 0 or 1").default("0") },

  start({ sql, env, origin }) {
    if (env.OPS_REQUIRE_PASSKEY !== "1") return {};
    // Otherwise nobody could open the operations pages.
    if (!relyingParty(origin)) throw new Error(noPasskeys);
    const always = requirePasskey(sql);
    const forOwners = requirePasskey(sql, { isFirstAllowed: true });
    return {
      addGuards(router) {
        router.use("/ops", always);
        router.use("/account/passkeys", forOwners);
        // Not the paths below these: links from mails must work for whoever reads the mailbox.
        for (const path of ["/account/email", "/account/password"]) {
          router.get(path, forOwners);
          router.post(path, forOwners);
        }
      },
    };
  },
});

/** Asks operators alone; with `isFirstAllowed`, only those who have a passkey. Everyone else gets the 404 of an unknown page, as without this. */
function requirePasskey(sql: Sql, { isFirstAllowed = false } = {}): Middleware {
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
    const isAsked = operator && !operator.used_passkey && (operator.has_passkey || !isFirstAllowed);
    if (isAsked) return askForPasskey(ctx, operator.has_passkey);
    await next();
  };
}

async function askForPasskey(ctx: Context, hasPasskey: boolean): Promise<void> {
  ctx.status = 403;
  if (wantsJson(ctx)) {
    ctx.body = { error: "Operators need a passkey here. Log in with one." };
    return;
  }
  const to = ctx.method === "GET" ? ctx.path + ctx.search : "/account";
  const wanted = { to, method: "get", kept: [] };
  await page(ctx, "passkeys/ops/use-passkey", { title: "Use a passkey", hasPasskey, wanted });
}
