import type { Sql } from "../../app/db/connect.ts";
import { mostRetried, retryDead } from "../../app/ops/retry-dead.ts";
import { complain, say, type Command } from "../command.ts";

type Act = (sql: Sql, taskId: string, actor: null) => PromiseLike<{ task_id: string | null }[]>;

/** One task by its id. */
export function act(verb: string, change: Act, id: string, isJson: boolean): Command {
  return async (sql) => {
    const [changed] = await change(sql, id, null);
    if (!changed) return complain(`Nothing was changed: ${verb} does not apply to task ${id} as it is, or it is gone.`);
    const becomes = changed.task_id === id ? "" : `, as task ${changed.task_id}`;
    say(isJson ? JSON.stringify(changed) : `${verb}: task ${id}${becomes}.`);
    return true;
  };
}

/** The dead tasks of a type, 10,000 at a time. What can't be owed again makes it a failure. */
export function retryType(type: string, isJson: boolean): Command {
  return async (sql) => {
    const dead = await retryDead(sql, { task_type: type }, null);
    if (isJson) say(JSON.stringify(dead));
    if (dead.length === 0) return complain(`No task of type ${type} is dead.`);
    const left = dead.filter(({ task_id }) => task_id === null);
    if (!isJson) say(`retry: ${dead.length - left.length} of ${dead.length} are owed again.`);
    if (dead.length === mostRetried) return complain("There may be more: say it again.");
    return left.length === 0 || complain(`${left.length} are not: their unique key is owed already.`);
  };
}
