import { z } from "zod";
import type { Sql } from "../db/connect.ts";
import type { CurrentUser, Middleware } from "../http/context.ts";
import { defineModule } from "../http/module.ts";
import { requireProof } from "../log-in/proof.ts";
import { findCurrentUser } from "../log-in/session.ts";
import { createMetrics } from "./metrics.ts";
import { operatorPagesOf } from "./operator-pages.ts";
import { createReading, showOverview, streamOverview } from "./show-overview.ts";
import { actOnTask, showTask } from "./task.ts";
import { retryType, showType } from "./type.ts";

/** Those that this request has found to be operators: its page need not ask again. */
const operators = new WeakSet<CurrentUser>();

/** The operations page and all below it, for operators alone; the metrics. */
export const ops = defineModule({
  env: { METRICS_TOKEN: z.string().min(16, "must be 16 characters or more").optional() },

  start({ sql, origin, env, stopping, modules }) {
    const added = operatorPagesOf(modules);
    const links = added.flatMap((pages) => pages.links);
    const routes = added.flatMap((pages) => pages.routes({ sql, origin }));
    const { timeRequests, showMetrics } = createMetrics(sql, env.METRICS_TOKEN, added);
    const operator = requireOperator(sql);
    const read = createReading(sql);
    return {
      middleware: timeRequests,
      probes: ["/metrics"],
      findLinks: async (user) => (operators.has(user) || (await isOperator(sql, user)) ? [["/ops", "Operations"]] : []),
      addRoutes(router) {
        router.get("/ops", operator, showOverview(read, links));
        router.get("/ops/events", operator, streamOverview(read, stopping));
        router.get("/ops/types/:type", operator, showType(sql));
        router.post("/ops/types/:type/retry", operator, retryType(sql));
        router.get("/ops/tasks/:id", operator, showTask(sql));
        router.post("/ops/tasks/:id/:action", operator, actOnTask(sql));
        for (const [method, path, ...handlers] of routes) router[method](path, operator, ...handlers);
        router.get("/metrics", showMetrics);
      },
    };
  },
});

/**
 * Lets operators pass, as `ctx.state.user`. Everyone else, logged in or not, gets the 404 of an unknown page. What changes
 * something needs a fresh proof.
 */
function requireOperator(sql: Sql): Middleware {
  const proved = requireProof();

  return async (ctx, next) => {
    const user = await findCurrentUser(sql, ctx);
    if (!user || !(await isOperator(sql, user))) return ctx.throw(404);
    operators.add(user);
    await (ctx.method === "POST" ? proved(ctx, next) : next());
  };
}

async function isOperator(sql: Sql, { usr_id }: CurrentUser): Promise<boolean> {
  const found = await sql`
    select
    from operator
    where usr_id = ${usr_id}
  `;
  return found.length > 0;
}
