import { parseArgs } from "node:util";
import { bury, cancel, runNow } from "../../app/ops/act-on-task.ts";
import { taskId } from "../../app/ops/actions.ts";
import { states, type State } from "../../app/ops/count-tasks.ts";
import { retryOne } from "../../app/ops/retry-dead.ts";
import { runCommand, type Command } from "../command.ts";
import { act, retryType } from "./act.ts";
import { list } from "./list.ts";
import { overview } from "./overview.ts";
import { show } from "./show.ts";

const usage = `Tasks by type and by worker, and what to do about them.

  npm run tasks                                             by type
  npm run tasks -- list --type TYPE [--state STATE] [--limit 20]
  npm run tasks -- show ID
  npm run tasks -- run ID                                   now, whatever its back-off says
  npm run tasks -- retry ID                                 a dead one, as a new task
  npm run tasks -- retry --type TYPE                        all that are dead
  npm run tasks -- cancel ID
  npm run tasks -- bury ID

STATE is ${states.join(", ")}. With --json for scripts (and npm run --silent, or node cli/ops/tasks.ts).
`;

const acts = { run: runNow, retry: retryOne, cancel, bury };

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
  return isAct(verb) ? act(verb, acts[verb], id!, json) : undefined;
}

function isState(text: string): text is State {
  return states.some((state) => state === text);
}

function isAct(text: string): text is keyof typeof acts {
  return Object.hasOwn(acts, text);
}
