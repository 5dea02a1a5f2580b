import { readHistory, readTask } from "../../app/ops/task.ts";
import { time } from "../../app/ops/format.ts";
import { columns } from "../columns.ts";
import { complain, say, type Command } from "../command.ts";

/** One task, open or dead, with its failed attempts and what operators did. */
export function show(id: string, isJson: boolean): Command {
  return async (sql) => {
    const [task, history] = await Promise.all([readTask(sql, id), readHistory(sql, id)]);
    if (!task) return complain(`There is no task ${id}: it is done, cancelled, or never was.`);
    if (isJson) {
      say(JSON.stringify({ ...task, ...history }));
      return true;
    }
    const facts = Object.entries(task).flatMap(([name, value]: [string, unknown]) =>
      value === null ? [] : [[name, value instanceof Date ? time(value) : plain(value)]],
    );
    say(columns(facts));
    for (const { attempt, failed_at, error } of history.attempts)
      say(columns([[`attempt ${attempt}`, time(failed_at), error]]));
    for (const { what, who, acted_at } of history.acts)
      say(columns([[what, time(acted_at), `by ${who ?? "a shell"}`]]));
    return true;
  };
}

const plain = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
