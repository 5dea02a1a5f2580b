import { states, type State } from "../../app/ops/count-tasks.ts";
import { listTasks } from "../../app/ops/type.ts";
import { time } from "../../app/ops/format.ts";
import { columns } from "../columns.ts";
import { say, type Command } from "../command.ts";

/** The first tasks of a type, in one state or in each. A task that failed and is to be tried again stands under both. */
export function list(type: string, state: State | undefined, limit: number, isJson: boolean): Command {
  return async (sql) => {
    const lists = await Promise.all(
      (state ? [state] : states).map(async (one) =>
        (await listTasks(sql, type, one, limit)).map((task) => ({ state: one, ...task })),
      ),
    );
    const tasks = lists.flat();
    if (isJson) {
      say(JSON.stringify(tasks));
      return true;
    }
    const rows = tasks.map((task) => [
      task.task_id,
      task.state,
      task.priority,
      task.attempt,
      time(task.at),
      task.error?.slice(0, 80) ?? "-",
    ]);
    say(columns([["TASK", "STATE", "PRIORITY", "ATTEMPTS", "AT (UTC)", "ERROR"], ...rows]));
    return true;
  };
}
