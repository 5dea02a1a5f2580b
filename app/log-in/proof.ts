import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import { parseBody } from "../http/body.ts";
import { wantsJson, type Context, type Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { accepted, refuse } from "../http/responses.ts";
import { normalizePassword } from "../password/password-rules.ts";
import type { Passwords } from "../password/password.ts";
import { refuseEnded } from "./session.ts";

// A stranger at an open browser must not change how its owner logs in. Pages that change it need a proof from the last 15
// minutes: the log-in, or the password entered again.

type Problems = { password?: string; form?: string };

const text = z.string().catch("");
const fields = z.object({ password: text, to: text, method: text });
/** The fields of the proof page, `credential` for a module's proof. Forms behind it need other names. */
const ownNames = new Set([...Object.keys(fields.shape), "credential"]);

/**
 * Lets requests pass whose session has a fresh proof. Others get the proof page, which goes on to what was wanted: to
 * the page, or with the form's data to the form's action. JSON gets 403. It stands behind `requireLogin`.
 */
export function requireProof(): Middleware {
  const parse = parseBody();

  return async (ctx, next) => {
    const to = ctx.path + ctx.search;
    if (ctx.state.user.is_proved) await next();
    else if (wantsJson(ctx)) refuseJson(ctx);
    else if (ctx.method === "GET" || ctx.method === "HEAD") redirectToProof(ctx, to);
    else await parse(ctx, () => askHere(ctx, to));
  };
}

function refuseJson(ctx: Context): void {
  ctx.status = 403;
  ctx.body = { errors: { password: "Send your password to POST /proof, then try again." } };
}

function redirectToProof(ctx: Context, to: string): void {
  ctx.status = 303;
  ctx.redirect(`/proof?${new URLSearchParams({ to }).toString()}`);
}

function askHere(ctx: Context, to: string): Promise<void> {
  ctx.status = 403;
  return showForm(ctx, { to, method: "post" }, {});
}

/** The proof page. A link to it leads to a page alone: only a form that was sent here is sent again. */
export function showProof(): Middleware {
  return (ctx) => showForm(ctx, { to: fields.parse(ctx.query).to, method: "get" }, {});
}

/** Two statements, because the password is checked between reading and writing. */
export function prove(sql: Sql, passwords: Passwords): Middleware {
  return async (ctx) => {
    const { password } = fields.parse(ctx.request.body);
    if (!(await isOwnPassword(sql, passwords, ctx, password)))
      return refuseProof(ctx, { password: "This password is wrong." });
    ctx.state.isPasswordRight = true;
    if (!(await record(sql, ctx))) return refuseEnded(ctx);
    goOn(ctx);
  };
}

/** Counts the attempt before the check, as the log-in does. At 50 in a row the session ends (`isAlive`). */
async function isOwnPassword(sql: Sql, passwords: Passwords, ctx: Context, typed: string): Promise<boolean> {
  const [user] = await sql<{ password_hash: string }[]>`
    with attempt as (
      update session
      set failed_proofs = failed_proofs + 1
      where session_id = ${ctx.state.user.session_id}
      returning usr_id
    )
    select password_hash
    from attempt
    join usr using (usr_id)
  `;
  return passwords.verify(user?.password_hash, normalizePassword(typed), ctx.state.deadline);
}

/** Fenced by the version: false if the password or the address has changed since, or if the session has ended. */
async function record(sql: Sql, ctx: Context): Promise<boolean> {
  const { usr_id, version } = ctx.state.user;
  const rows = await sql`
    with account as (
      select usr_id
      from usr
      where usr_id = ${usr_id} and version = ${version}
      -- Waits for a change of the password, and then finds another version.
      for share
    )
    ${recordProof(sql, ctx)}
    returning true
  `;
  return rows.length === 1;
}

/**
 * Shows the page again, with what was wanted.
 * @public Modules use it.
 */
export function refuseProof(ctx: Context, problems: Problems): Promise<void> {
  return refuse(ctx, problems, (shown) => showForm(ctx, fields.parse(ctx.request.body), shown));
}

/**
 * Records a proof of the current session for the CTE `account` (`usr_id`) of the statement around it.
 * @public Modules use it.
 */
export const recordProof = (sql: Sql, ctx: Context) => sql`
  update session
  set proved_at = now(), failed_proofs = 0
  from account
  where session_id = ${ctx.state.user.session_id} and session.usr_id = account.usr_id
`;

/**
 * Responds to a proof: goes on to the page that was wanted, or sends the form to its action again (307 repeats the body).
 * @public Modules use it.
 */
export function goOn(ctx: Context): void {
  const { to, method } = fields.parse(ctx.request.body);
  const path = ownPath(to);
  accepted(ctx, path);
  // The account page takes no form.
  if (ctx.status === 303 && method === "post" && path === to) ctx.status = 307;
}

/**
 * A path of this site. Anything else becomes the account page: a link must not lead to another site from here. Browsers
 * read "//", "\" and tabs in surprising ways.
 */
function ownPath(to: string): string {
  return /^\/(?!\/)[!-[\]-~]*$/.test(to) ? to : "/account";
}

function showForm(ctx: Context, { to, method }: { to: string; method: string }, problems: Problems): Promise<void> {
  const title = "Confirm that it is you";
  return page(ctx, "log-in/proof", {
    title: Object.values(problems).some(Boolean) ? `Error: ${title}` : title,
    email: ctx.state.user.email,
    wanted: { to: ownPath(to), method, kept: keptFields(ctx) },
    problems,
  });
}

/** The fields of the form that was wanted, as they were sent: the parsed body has lost repeated names and brackets. */
function keptFields(ctx: Context): [name: string, value: string][] {
  return [...new URLSearchParams(ctx.request.rawBody ?? "")].filter(([name]) => !ownNames.has(name));
}
