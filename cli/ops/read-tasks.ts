import { states, type State } from "../../app/ops/count-tasks.ts";
import { count, lateness, span, time } from "../../app/ops/format.ts";
import { readOverview } from "../../app/ops/read-overview.ts";
import { readHistory, readTask } from "../../app/ops/task.ts";
import { listTasks } from "../../app/ops/type.ts";
import { complain, say, type Command } from "../command.ts";
import { columns } from "./columns.ts";

/** Tasks by type and state, and the workers. */
export function overview(isJson: boolean): Command {
  return async (sql) => {
    const now = await readOverview(sql);
    if (isJson) {
      say(JSON.stringify(now));
      return true;
    }
    const { age, words } = lateness(now);
    say(`Oldest due: ${age} (${words})\n`);
    const types = now.types.map((type) => [
      type.is_unknown ? `${type.task_type} (unknown)` : type.task_type,
      ...[...states.map((state) => type[state]), type.failures_last_hour].map(count),
      type.oldest_due_seconds === null ? "-" : span(type.oldest_due_seconds),
      type.breakers.length > 0 ? "open" : "-",
      type.last_error?.error.slice(0, 60) ?? "-",
    ]);
    say(columns([typeHeads, ...types]));
    if (!now.workers.some(({ is_alive }) => is_alive)) say("\nNo worker is alive. Tasks wait until one starts.");
    const workers = now.workers.map((worker) => [
      `${worker.host}:${worker.pid}`,
      `${span(worker.seen_seconds_ago)} ago${worker.is_alive ? "" : " (gone)"}`,
      worker.event_loop_delay_milliseconds === null ? "-" : `${Math.round(worker.event_loop_delay_milliseconds)} ms`,
      Object.values(worker.running).reduce((sum, tasks) => sum + tasks, 0),
    ]);
    say(`\n${columns([["WORKER", "HEARTBEAT", "LOOP_DELAY", "RUNNING"], ...workers])}`);
    return true;
  };
}

const typeHeads = "TYPE DUE SCHEDULED RUNNING RETRYING DEAD FAILED/H OLDEST_DUE BREAKER LAST_ERROR".split(" ");

/** The first tasks of a type, in one state or in each. A retrying task is listed twice: it is also due or scheduled. */
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

/** One task, pending or dead, with its failed attempts and the audit log about it. */
export function show(id: string, isJson: boolean): Command {
  return async (sql) => {
    const [task, history] = await Promise.all([readTask(sql, id), readHistory(sql, id)]);
    if (!task) return complain(`There is no task ${id}. It is done or canceled, or it never existed.`);
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
    for (const { what, who, acted_at } of history.actions)
      say(columns([[what, time(acted_at), `by ${who ?? "a command"}`]]));
    return true;
  };
}

const plain = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
