import { fileURLToPath } from "node:url";
import ejs from "ejs";
import { assetUrl } from "./assets.ts";
import { siteDescription, siteName } from "../env.ts";
import type { Context, CurrentUser, Link } from "./context.ts";

type Found = CurrentUser | "unknown" | undefined;

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
  const { findUser, findLinks } = ctx.state;
  // A page that needs no log-in has to work without the database.
  let user = knownUser(ctx);
  if (user === "unknown" && findUser) user = await soon<Found>(ctx, findUser(), "unknown");
  const links = user && user !== "unknown" ? await soon(ctx, findLinks(user), []) : [];
  const filled = { ...data, slot: await renderParts(ctx, view, data) };
  await show(ctx, view, filled, user, links);
}

/** What modules add to the page. A part gets the page's data, too. */
async function renderParts(ctx: Context, view: string, data: object): Promise<string> {
  const rendered = ctx.state
    .partsOf(view)
    .map(async (part) => render(ctx.app.env, part.view, { ...data, ...(await part.read?.(ctx)) }));
  return (await Promise.all(rendered)).join("");
}

/** Like `page`, but without a statement: an error page must not wait for a database that may be down. */
export async function errorPage(ctx: Context, data: { title: string; [name: string]: unknown }): Promise<void> {
  await show(ctx, "error", data, knownUser(ctx));
}

/** The database's response within a second, else `otherwise`: a page does not wait for its navigation. */
async function soon<Value>(ctx: Context, value: Promise<Value>, otherwise: Value): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("No response from the database within 1 s.")), 1000);
  try {
    return await Promise.race([value, late]);
  } catch (error) {
    ctx.state.log.warn({ err: error }, "navigation incomplete");
    return otherwise;
  } finally {
    clearTimeout(timer);
  }
}

/** What is known without a statement. */
function knownUser(ctx: Context): Found {
  return ctx.state.user ?? (ctx.state.findUser ? "unknown" : undefined);
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

async function show(
  ctx: Context,
  view: string,
  data: { title: string },
  found: Found,
  added: Link[] = [],
): Promise<void> {
  const user = found === "unknown" ? undefined : found;
  const body = await render(ctx.app.env, view, { ...data, user });
  // The account page is the one link that suits both states: it sends those who are logged out to log in.
  const links = found ? [...added, account] : loggedOut;
  const layout = { title: data.title, body, links, user, path: ctx.path };
  ctx.type = "html";
  ctx.body = await render(ctx.app.env, "layout", layout);
}
