import { accepted } from "../http/responses.ts";
import type { Sql } from "../db/connect.ts";
import type { Middleware } from "../http/context.ts";
import { bury, cancel, runNow } from "./act-on-task.ts";
import { taskId, type Actor } from "./acts.ts";
import { param } from "./param.ts";
import { retryDead, retryOne } from "./retry-dead.ts";
import { typePath } from "./words.ts";

type Act = (sql: Sql, taskId: string, actor: Actor) => PromiseLike<unknown[]>;

const actions = new Map<string, Act>([
  ["run", runNow],
  ["retry", retryOne],
  ["cancel", cancel],
  ["bury", bury],
]);

/** Does to a task what the button says, once; then the task's page tells what became of it. */
export function actOnTask(sql: Sql): Middleware {
  return async (ctx) => {
    const act = actions.get(param(ctx, "action"));
    const { data } = taskId.safeParse(param(ctx, "id"));
    if (!act || data === undefined) return ctx.throw(404);

    const changed = await act(sql, data, ctx.state.user.usr_id);
    accepted(ctx, `/ops/tasks/${data}?${changed.length > 0 ? "done" : "nothing"}`);
  };
}

/** Owes the dead tasks of a type again, 10,000 at a time. */
export function retryType(sql: Sql): Middleware {
  return async (ctx) => {
    const type = param(ctx, "type");
    const retried = await retryDead(sql, { task_type: type }, ctx.state.user.usr_id);
    const isChanged = retried.some(({ task_id }) => task_id);
    accepted(ctx, `${typePath(type)}?${isChanged ? "retried" : "nothing"}`);
  };
}
