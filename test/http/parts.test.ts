import request from "supertest";
import { beforeEach, expect, it } from "vitest";
import type { Context } from "../../app/http/context.ts";
import { defineModule } from "../../app/http/module.ts";
import { ada, addUser, openSession } from "../support/accounts.ts";
import { createDatabase, empty } from "../support/database.ts";
import { serveApp } from "../support/web.ts";

const { sql } = await createDatabase();
beforeEach(() => empty(sql));

// The view of an error shows a title, which is the page's own here, and a message.
const part = {
  view: "error",
  read: (ctx: Context) => Promise.resolve({ message: `Part of ${ctx.path}`, retry: false }),
};
const parts = { "account/account": part, "log-in/log-in": part, "log-in/proof": part };
const adding = defineModule({ start: () => ({ parts }) });

it.each([
  ["/account", "Your account"],
  ["/login", "Log in"],
  ["/proof", "Confirm that it is you"],
])("%s shows the parts of modules, which get its data", async (path, title) => {
  const cookie = await openSession(sql, await addUser(sql, ada));
  const show = async (modules: (typeof adding)[]) =>
    (
      await request(await serveApp(sql, { modules }))
        .get(path)
        .set("Cookie", cookie)
    ).text;
  expect((await show([adding, adding])).split(`<h1>${title}</h1>\n<p class="lead">Part of ${path}</p>`)).toHaveLength(
    3,
  );
  expect(await show([])).not.toContain("Part of");
});

it("downloads what modules hold about the user", async () => {
  const usrId = await addUser(sql, ada);
  const holding = defineModule({
    start: () => ({ findData: ({ usr_id }) => Promise.resolve({ held: usr_id }) }),
  });
  const response = await request(await serveApp(sql, { modules: [holding, adding] }))
    .get("/account/data")
    .set("Cookie", await openSession(sql, usrId))
    .expect(200);
  expect(JSON.parse(response.text)).toMatchObject({ email: ada.email, held: usrId });
});

it("runs the guards of all modules before the routes of any", async () => {
  const routing = defineModule({
    start: () => ({ addRoutes: (router) => router.get("/guarded/page", (ctx) => (ctx.body = "open")) }),
  });
  const guarding = defineModule({
    start: () => ({ addGuards: (router) => router.use("/guarded", (ctx) => ctx.throw(403)) }),
  });
  const site = request(await serveApp(sql, { modules: [routing, guarding] }));
  for (const path of ["/guarded/page", "/GUARDED/page"]) await site.get(path).expect(403);
  await site.get("/guarded/nothing").expect(404);
});
