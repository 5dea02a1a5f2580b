import { Router } from "@koa/router";
import type { Middleware, State } from "../app/http/context.ts";
import { page } from "../app/http/page.ts";
import { deleteMails, listMails, readMail } from "./mails.ts";

/** The inbox: all mails in `folder`, to any recipient. Never in production. */
export function mailbox(folder: string): Middleware {
  const router = new Router<State>({ prefix: "/dev/mailbox" });

  router.get("/", async (ctx) => {
    await page(ctx, "dev/mailbox", { title: "Inbox", mails: await listMails(folder), when });
  });

  router.post("/empty", async (ctx) => {
    await deleteMails(folder);
    ctx.redirect("/dev/mailbox");
    ctx.status = 303;
  });

  router.get("/:id", async (ctx) => {
    const mail = await readMail(folder, ctx.params.id ?? "");
    if (!mail) return;

    const headers = mail.headers.map(({ originalKey, value }) => `${originalKey}: ${value}`).join("\n");
    const parts = Object.entries({ Text: mail.text ?? "", Headers: headers, Source: mail.source });
    ctx.set(policy, `${ctx.response.get(policy)};frame-src 'self'`);
    await page(ctx, "dev/mail", { title: mail.subject || "(no subject)", mail, parts, when });
  });

  router.get("/:id/html", async (ctx) => {
    const mail = await readMail(folder, ctx.params.id ?? "");
    if (!mail?.html) return;

    ctx.set(policy, mailPolicy);
    ctx.set("X-Frame-Options", "SAMEORIGIN");
    ctx.set("Cache-Control", "no-store");
    ctx.type = "html";
    ctx.body = linkToNewTabs(mail.html);
  });

  const routes = router.routes();
  // The router's types expect what the router itself adds to the context.
  return async (ctx, next) => {
    await routes(Object.assign(ctx, { params: {}, router }), next);
  };
}

const policy = "Content-Security-Policy";

// As in webmail: no script, no requests, and an opaque origin without our cookies.
const mailPolicy = [
  "sandbox allow-popups allow-popups-to-escape-sandbox",
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "frame-ancestors 'self'",
].join(";");

/** The site refuses to be framed: its links open in a new tab. */
function linkToNewTabs(html: string): string {
  const base = '<base target="_blank">';
  const linked = html.replace(/<head(\s[^>]*)?>/i, `$&${base}`);
  return linked === html ? base + html : linked;
}

const time = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const when = (date: Date) => time.format(date);
