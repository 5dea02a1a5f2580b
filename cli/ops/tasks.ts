import { parseArgs } from "node:util";
import type { Sql } from "../../app/db/connect.ts";
import { bury, cancel, mostRetried, retryDead, retryOne, runNow } from "../../app/ops/actions.ts";
import { states, type State } from "../../app/ops/count-tasks.ts";
import { count, lateness, span, time } from "../../app/ops/format.ts";
import { readOverview } from "../../app/ops/read-overview.ts";
import { readHistory, readTask, taskId } from "../../app/ops/task.ts";
import { listTasks } from "../../app/ops/type.ts";
import { columns, fail, print, runCommand, type Command } from "../command.ts";

const usage = `Shows and changes tasks.

  npm run tasks                           tasks by type and state, and the workers
  npm run tasks -- list --type TYPE       tasks of a type; also --state STATE, --limit 20
  npm run tasks -- show ID                one task, its attempts and errors
  npm run tasks -- run ID                 run a scheduled or retrying task now
  npm run tasks -- retry ID               enqueue a dead task again, as a new task
  npm run tasks -- retry --type TYPE      enqueue all dead tasks of a type again
  npm run tasks -- cancel ID              delete a task; a running attempt goes on
  npm run tasks -- bury ID                move a task to the dead ones; a running attempt goes on

STATE is ${states.join(", ")}. Add --json for scripts, which call node cli/ops/tasks.ts or npm run --silent.
`;

const actions = { run: runNow, retry: retryOne, cancel, bury };

await runCommand(usage, () => {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      type: { type: "string" },
      state: { type: "string" },
      limit: { type: "string" },
    },
    allowPositionals: true,
  });
  const { json, type, state, limit = "20" } = values;
  const [verb, id, ...more] = positionals;
  const hasFilter = type !== undefined || state !== undefined || values.limit !== undefined;
  if (more.length > 0) return undefined;
  if (verb === undefined) return hasFilter ? undefined : showOverview(json);

  if (verb === "list") {
    const isValid = id === undefined && /^[1-9]\d{0,5}$/.test(limit) && (state === undefined || isState(state));
    return type !== undefined && isValid ? list(type, state, Number(limit), json) : undefined;
  }
  if (verb === "retry" && id === undefined) {
    return type !== undefined && state === undefined && values.limit === undefined ? retryType(type, json) : undefined;
  }
  if (hasFilter || !taskId.safeParse(id).success) return undefined;
  if (verb === "show") return show(id!, json);
  return isAction(verb) ? act(verb, id!, json) : undefined;
});

function isState(text: string): text is State {
  return states.some((state) => state === text);
}

function isAction(text: string): text is keyof typeof actions {
  return Object.hasOwn(actions, text);
}

function showOverview(isJson: boolean): Command {
  return async (sql) => {
    const overview = await readOverview(sql);
    if (isJson) return print(JSON.stringify(overview));
    const { age, words } = lateness(overview);
    print(`Oldest due: ${age} (${words})\n`);
    const heading = "TYPE DUE SCHEDULED RUNNING RETRYING DEAD FAILED/H OLDEST_DUE BREAKER LAST_ERROR".split(" ");
    const types = overview.types.map((type) => [
      type.is_unknown ? `${type.task_type} (unknown)` : type.task_type,
      ...[...states.map((state) => type[state]), type.failures_last_hour].map(count),
      type.oldest_due_seconds === null ? "-" : span(type.oldest_due_seconds),
      type.breakers.length > 0 ? "open" : "-",
      type.last_error?.error.slice(0, 60) ?? "-",
    ]);
    print(columns([heading, ...types]));
    if (!overview.workers.some(({ is_alive }) => is_alive))
      print("\nNo worker is running. Tasks wait until one starts.");
    const workers = overview.workers.map((worker) => [
      `${worker.host}:${worker.pid}`,
      `${span(worker.seen_seconds_ago)} ago${worker.is_alive ? "" : " (gone)"}`,
      worker.event_loop_delay_milliseconds === null ? "-" : `${Math.round(worker.event_loop_delay_milliseconds)} ms`,
      Object.values(worker.running).reduce((sum, tasks) => sum + tasks, 0),
    ]);
    return print(`\n${columns([["WORKER", "HEARTBEAT", "LOOP_DELAY", "RUNNING"], ...workers])}`);
  };
}

/** The first tasks of a type, in one state or in each. A retrying task is listed as due or scheduled, too. */
function list(type: string, state: State | undefined, limit: number, isJson: boolean): Command {
  return async (sql) => {
    const read = async (state: State) => (await listTasks(sql, type, state, limit)).map((task) => ({ state, ...task }));
    const tasks = (await Promise.all((state ? [state] : states).map(read))).flat();
    if (isJson) return print(JSON.stringify(tasks));
    const rows = tasks.map((task) => [
      task.task_id,
      task.state,
      task.priority,
      task.attempt,
      time(task.at),
      task.error?.slice(0, 80) ?? "-",
    ]);
    return print(columns([["TASK", "STATE", "PRIORITY", "ATTEMPTS", "AT (UTC)", "ERROR"], ...rows]));
  };
}

function show(id: string, isJson: boolean): Command {
  return async (sql) => {
    const [task, history] = await Promise.all([readTask(sql, id), readHistory(sql, id)]);
    if (!task) return fail(`Task ${id} does not exist. It is done or canceled, or there never was one.`);
    if (isJson) return print(JSON.stringify({ ...task, ...history }));
    const facts = Object.entries(task).flatMap(([name, value]: [string, unknown]) =>
      value === null ? [] : [[name, value instanceof Date ? time(value) : plain(value)]],
    );
    print(columns(facts));
    for (const { attempt, failed_at, error } of history.attempts)
      print(columns([[`attempt ${attempt}`, time(failed_at), error]]));
    for (const { what, who, acted_at } of history.actions)
      print(columns([[what, time(acted_at), `by ${who ?? "a shell command"}`]]));
    return true;
  };
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function act(verb: keyof typeof actions, id: string, isJson: boolean): Command {
  return async (sql) => {
    const change: (sql: Sql, id: string, actor: null) => PromiseLike<{ task_id: string | null }[]> = actions[verb];
    const [changed] = await change(sql, id, null);
    if (!changed)
      return fail(`Nothing changed. Task ${id} does not exist, or is in a state that ${verb} does not apply to.`);
    if (isJson) return print(JSON.stringify(changed));
    return print(`${verb}: task ${id}${changed.task_id === id ? "" : `, as task ${changed.task_id}`}.`);
  };
}

/** The dead tasks of a type, 10,000 at a time. Fails when some of them stay dead. */
function retryType(type: string, isJson: boolean): Command {
  return async (sql) => {
    const dead = await retryDead(sql, { task_type: type }, null);
    if (isJson) print(JSON.stringify(dead));
    if (dead.length === 0) return fail(`No task of type ${type} is dead.`);
    const left = dead.filter(({ task_id }) => task_id === null);
    if (!isJson) print(`retry: ${dead.length - left.length} of ${dead.length} dead tasks are enqueued again.`);
    if (dead.length === mostRetried) return fail("There may be more. Run the command again.");
    return left.length === 0 || fail(`${left.length} stay dead: a task with the same unique key is pending.`);
  };
}
