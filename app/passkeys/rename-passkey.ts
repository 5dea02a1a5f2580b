import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { Context, Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";

const maxLength = 60;
const params = z.object({ id: z.string().regex(/^\d{1,18}$/) });
const fields = z.object({ name: z.string().catch("") });

export function showRenamePasskey(sql: Sql): Middleware {
  return async (ctx) => {
    const id = passkeyId(ctx);
    const [passkey] = await sql<{ name: string }[]>`
      select name
      from passkey
      where passkey_id = ${id} and usr_id = ${ctx.state.user.usr_id} and usr_version = ${ctx.state.user.version}
    `;
    if (!passkey) return ctx.throw(404);
    await showForm(ctx, id, passkey.name);
  };
}

/** The response is the same if there is no such passkey. */
export function renamePasskey(sql: Sql): Middleware {
  return async (ctx) => {
    const id = passkeyId(ctx);
    const { name, problem } = parseName(ctx.request.body);
    if (problem) return refuse(ctx, { name: problem }, (problems) => showForm(ctx, id, name, problems));
    await sql`
      update passkey
      set name = ${name}
      where passkey_id = ${id} and usr_id = ${ctx.state.user.usr_id}
    `;
    accepted(ctx, "/account?passkey-renamed");
  };
}

/** The name that its owner gave it, in one line. */
export function parseName(body: unknown): { name: string; problem?: string } {
  const name = fields
    .parse(body)
    .name.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]+/gu, " ")
    .trim();
  if (!name.isWellFormed()) return { name: name.toWellFormed(), problem: "The name contains an invalid character." };
  if (name === "") return { name, problem: "Enter a name, for example the name of the device." };
  if (Array.from(name).length > maxLength) return { name, problem: `Enter a name of at most ${maxLength} characters.` };
  return { name };
}

/** The id in the path. Throws 404 for anything but a number. */
export function passkeyId(ctx: Context): string {
  return params.safeParse(ctx.params).data?.id ?? ctx.throw(404);
}

function showForm(ctx: Context, id: string, name: string, problems: { name?: string } = {}): Promise<void> {
  const title = problems.name ? "Error: Rename a passkey" : "Rename a passkey";
  return page(ctx, "passkeys/rename-passkey", { title, id, name, problems });
}
