import { fileURLToPath } from "node:url";
import ejs from "ejs";
import { assetUrl } from "./assets.ts";
import { siteDescription, siteName } from "../env.ts";
import type { Context, CurrentUser, Link } from "./context.ts";

const account: Link = ["/account", "Account"];
const loggedOut: Link[] = [
  ["/login", "Log in"],
  ["/signup", "Sign up"],
];

/** Responds with `views/<view>.ejs` inside the layout. `<%= %>` escapes data. */
export async function page(
  ctx: Context,
  view: string,
  data: { title: string; [name: string]: unknown },
): Promise<void> {
  const { findUser } = ctx.state;
  // A page that needs no log-in has to work without the database.
  await show(ctx, view, data, ctx.state.user ?? (await findUser?.().catch(() => "unknown")));
}

/** Like `page`, but without a statement: an error page must not wait for a database that may be down. */
export async function errorPage(ctx: Context, data: { title: string; [name: string]: unknown }): Promise<void> {
  await show(ctx, "error", data, ctx.state.user ?? (ctx.state.findUser ? "unknown" : undefined));
}

/**
 * `views/<view>.ejs` without the layout.
 * @public Modules use it.
 */
export function render(env: string, view: string, data: object): Promise<string> {
  const isDevelopment = env === "development";
  const asset = (name: string) => assetUrl(name, isDevelopment);
  const file = fileURLToPath(new URL(`../../views/${view}.ejs`, import.meta.url));
  return ejs.renderFile(file, { ...data, asset, siteDescription, siteName }, { cache: !isDevelopment });
}

async function show(ctx: Context, view: string, data: { title: string }, found?: CurrentUser | "unknown") {
  const user = found === "unknown" ? undefined : found;
  const body = await render(ctx.app.env, view, { ...data, user });
  const layout = { title: data.title, body, links: linksFor(found), user, path: ctx.path };
  ctx.type = "html";
  ctx.body = await render(ctx.app.env, "layout", layout);
}

/** The account page is the one link that suits both states: it sends those who are logged out to log in. */
function linksFor(user: CurrentUser | "unknown" | undefined): Link[] {
  if (!user) return loggedOut;
  return user === "unknown" ? [account] : [...user.links, account];
}
