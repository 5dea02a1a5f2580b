import type { Sql } from "../db/connect.ts";
import type { Context } from "../http/context.ts";
import { normalizePassword } from "./password-rules.ts";
import type { Passwords } from "./password.ts";

export const wrongPassword = "This password is wrong.";

/**
 * Whether the password is the current user's. Checked again before actions that a stranger at an open browser must not
 * take. The next statement is fenced by `ctx.state.user.version`, because the password may change meanwhile.
 */
export async function isOwnPassword(sql: Sql, passwords: Passwords, ctx: Context, typed: string): Promise<boolean> {
  const [user] = await sql<{ password_hash: string }[]>`
    select password_hash
    from usr
    where usr_id = ${ctx.state.user.usr_id}
  `;
  const isRight = await passwords.verify(user?.password_hash, normalizePassword(typed), ctx.state.deadline);
  ctx.state.isPasswordRight = isRight;
  return isRight;
}
