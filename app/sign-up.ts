import { z } from "zod";
import type { Sql } from "./db.ts";
import { normaliseEmail, problemWithEmail } from "./email.ts";
import { wantsJson, type Context, type Middleware } from "./http.ts";
import { page } from "./page.ts";
import type { HashPassword } from "./password.ts";
import { normalisePassword, problemWithPassword } from "./password-rules.ts";
import { rememberAddress } from "./sign-up-sent.ts";

type Problems = { email?: string; password?: string };

export function showSignUp(): Middleware {
  return (ctx) => showForm(ctx, "", {});
}

export function signUp(sql: Sql, hashPassword: HashPassword, hintWorkers: () => void, origin: string): Middleware {
  return async (ctx) => {
    const { email, password, problems } = parseSignUp(ctx.request.body);
    if (problems) return refuse(ctx, email, problems);

    const passwordHash = await hashPassword(password, ctx.state.deadline);

    // The no-op update locks and returns the row that is there, in a race too: exactly one task either way.
    // The salt makes each hash unique, so an equal hash means that this statement wrote it.
    await sql`
      with owner as (
        insert into usr (email, password_hash)
        values (${email}, ${passwordHash})
        on conflict (email) do update set email = excluded.email
        returning usr_id, password_hash = ${passwordHash} as is_new
      )
      insert into task (task_type, params)
      select
        case when is_new then 'SEND_EMAIL_WELCOME' else 'SEND_EMAIL_ALREADY_REGISTERED' end,
        jsonb_build_object('usr_id', usr_id::text)
      from owner
    `;
    hintWorkers();

    if (wantsJson(ctx)) {
      ctx.status = 204;
      return;
    }
    rememberAddress(ctx, email, origin);
    ctx.status = 303;
    ctx.redirect("/signup/sent");
  };
}

// A field that is missing, sent twice or not text is an empty one.
const text = z.string().catch("");
const fields = z.object({ email: text, password: text });

function parseSignUp(body: unknown) {
  const typed = fields.parse(body);
  const email = normaliseEmail(typed.email);
  const password = normalisePassword(typed.password);
  const problems: Problems = {};
  const withEmail = problemWithEmail(email);
  if (withEmail) problems.email = withEmail;
  const withPassword = problemWithPassword(typed.password, email);
  if (withPassword) problems.password = withPassword;

  if (withEmail || withPassword) return { email: typed.email, password, problems };
  return { email, password };
}

async function refuse(ctx: Context, email: string, problems: Problems): Promise<void> {
  ctx.status = 422;
  if (wantsJson(ctx)) {
    ctx.body = { errors: problems };
    return;
  }
  await showForm(ctx, email, problems);
}

function showForm(ctx: Context, email: string, problems: Problems): Promise<void> {
  const hasProblems = Object.keys(problems).length > 0;
  return page(ctx, "sign-up", { title: hasProblems ? "Error: Sign up" : "Sign up", email, problems });
}
