import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { page } from "../http/page.ts";
import { taskId } from "./acts.ts";
import { param } from "./param.ts";
import { readHistory, readTask } from "./read-task.ts";
import * as words from "./words.ts";

const notices = new Map([
  ["done", "Done."],
  ["nothing", "Nothing was changed: somebody was faster, or it was so already."],
]);

/** One task: its params, its attempts, what operators did to it, and what they may do. */
export function showTask(sql: Sql): Middleware {
  return async (ctx) => {
    const { data } = taskId.safeParse(param(ctx, "id"));
    if (data === undefined) return ctx.throw(404);

    const [task, history] = await Promise.all([readTask(sql, data), readHistory(sql, data)]);
    const isKnown = task ?? history.attempts.length + history.acts.length > 0;
    if (!isKnown) ctx.throw(404);
    const notice = notices.get(ctx.querystring);
    await page(ctx, "ops/task", { title: `Task ${data}`, id: data, task, ...history, notice, words });
  };
}
