import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { states } from "./count-tasks.ts";
import { listTasks } from "./list-tasks.ts";
import { readOverview } from "./overview.ts";
import { param } from "./param.ts";
import * as words from "./words.ts";

const mostListed = 20;

/** One type: its figures, and the first tasks of each state. */
export function showType(sql: Sql): Middleware {
  return async (ctx) => {
    const type = param(ctx, "type");
    const [overview, ...lists] = await Promise.all([
      readOverview(sql),
      ...states.map(async (state) => ({ state, tasks: [...(await listTasks(sql, type, state, mostListed))] })),
    ]);
    const figures = overview.types.find(({ task_type }) => task_type === type);
    await page(ctx, "ops/type", { title: type, type, figures, lists, words, notice: notices.get(ctx.querystring) });
  };
}

const notices = new Map([
  ["retried", "The dead tasks are owed again, as new ones; no more than 10,000 at a time."],
  ["nothing", "Nothing was changed: no dead task, or what it would do is owed already."],
]);
