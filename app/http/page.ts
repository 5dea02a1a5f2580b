import { fileURLToPath } from "node:url";
import ejs from "ejs";
import { assetUrl } from "./assets.ts";
import { siteDescription, siteName } from "../env.ts";
import type { Context } from "./context.ts";

// Most pages don't look up who is logged in, and offer both.
const logIn = ["/login", "Log in"];
const account = ["/account", "Account"];
const operations = ["/ops", "Operations"];

/** Answers with `views/<view>.ejs` inside the layout. Data is escaped by `<%= %>`. */
export async function page(
  ctx: Context,
  view: string,
  data: { title: string; [name: string]: unknown },
): Promise<void> {
  const body = await render(ctx.app.env, view, data);
  const html = await render(ctx.app.env, "layout", { title: data.title, body, links: links(ctx), path: ctx.path });

  ctx.type = "html";
  ctx.body = html;
}

/** `views/<view>.ejs` without the layout. */
export function render(env: string, view: string, data: object): Promise<string> {
  const isDevelopment = env === "development";
  const asset = (name: string) => assetUrl(name, isDevelopment);
  const file = fileURLToPath(new URL(`../../views/${view}.ejs`, import.meta.url));
  return ejs.renderFile(file, { ...data, asset, siteDescription, siteName }, { cache: !isDevelopment });
}

function links({ state: { user } }: Context): string[][] {
  if (!user) return [logIn, account];
  return user.is_operator ? [operations, account] : [account];
}
