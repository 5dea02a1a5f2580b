import { fileURLToPath } from "node:url";
import ejs from "ejs";
import { assetUrl } from "./assets.ts";
import { siteName } from "./env.ts";
import type { Context } from "./http.ts";

/** Answers with `views/<view>.ejs` inside the layout. Data is escaped by `<%= %>`. */
export async function page(
  ctx: Context,
  view: string,
  data: { title: string; [name: string]: unknown },
): Promise<void> {
  const isDevelopment = ctx.app.env === "development";
  const asset = (name: string) => assetUrl(name, isDevelopment);
  const render = (name: string, locals: object) =>
    ejs.renderFile(fileURLToPath(new URL(`../views/${name}.ejs`, import.meta.url)), locals, { cache: !isDevelopment });

  const body = await render(view, { ...data, asset, siteName });
  const html = await render("layout", { title: data.title, body, asset, siteName });

  ctx.type = "html";
  ctx.body = html;
}
