import { parseArgs } from "node:util";
import { bury, cancel, mostRetried, retryDead, retryOne, runNow } from "../../app/ops/actions.ts";
import { states, type State } from "../../app/ops/count-tasks.ts";
import { taskId } from "../../app/ops/task.ts";
import { complain, runCommand, say, type Command } from "../command.ts";
import { list, overview, show } from "./read-tasks.ts";

const usage = `Tasks by type and by worker, and what to do about them.

  npm run tasks                                             by type
  npm run tasks -- list --type TYPE [--state STATE] [--limit 20]
  npm run tasks -- show ID
  npm run tasks -- run ID                                   now, without waiting for its time or its back-off
  npm run tasks -- retry ID                                 a dead one, as a new task
  npm run tasks -- retry --type TYPE                        all that are dead
  npm run tasks -- cancel ID
  npm run tasks -- bury ID

STATE is ${states.join(", ")}. With --json for scripts (and npm run --silent, or node cli/ops/tasks.ts).
`;

const actions = { run: runNow, retry: retryOne, cancel, bury };

await runCommand(usage, parse);

function parse(): Command | undefined {
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
  const isPlain = type === undefined && state === undefined && values.limit === undefined;
  if (more.length > 0) return undefined;
  if (verb === undefined) return isPlain ? overview(json) : undefined;

  if (verb === "list") {
    const isSound = id === undefined && /^[1-9]\d{0,5}$/.test(limit) && (state === undefined || isState(state));
    return type !== undefined && isSound ? list(type, state, Number(limit), json) : undefined;
  }
  if (verb === "retry" && id === undefined) {
    return type !== undefined && state === undefined && values.limit === undefined ? retryType(type, json) : undefined;
  }
  if (!isPlain || !taskId.safeParse(id).success) return undefined;
  if (verb === "show") return show(id!, json);
  return isAction(verb) ? act(verb, id!, json) : undefined;
}

function isState(text: string): text is State {
  return states.some((state) => state === text);
}

function isAction(text: string): text is keyof typeof actions {
  return Object.hasOwn(actions, text);
}

function act(verb: keyof typeof actions, id: string, isJson: boolean): Command {
  return async (sql) => {
    const [changed] = await actions[verb](sql, id, null);
    if (!changed) return complain(`Nothing changed: ${verb} does not apply to task ${id} as it is, or it is gone.`);
    const becomes = changed.task_id === id ? "" : `, as task ${changed.task_id}`;
    say(isJson ? JSON.stringify(changed) : `${verb}: task ${id}${becomes}.`);
    return true;
  };
}

/** Retries the dead tasks of a type, 10,000 at a time. Fails when some could not be retried. */
function retryType(type: string, isJson: boolean): Command {
  return async (sql) => {
    const dead = await retryDead(sql, { task_type: type }, null);
    if (isJson) say(JSON.stringify(dead));
    if (dead.length === 0) return complain(`No task of type ${type} is dead.`);
    const left = dead.filter(({ task_id }) => task_id === null);
    if (!isJson) say(`retry: ${dead.length - left.length} of ${dead.length} are enqueued again.`);
    if (dead.length === mostRetried) return complain("There may be more. Run the command again.");
    return left.length === 0 || complain(`${left.length} are not: a task with the same unique key is pending.`);
  };
}
