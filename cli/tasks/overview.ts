import { states } from "../../app/ops/count-tasks.ts";
import { readOverview } from "../../app/ops/overview.ts";
import { count, lateness, span } from "../../app/ops/words.ts";
import { columns } from "../columns.ts";
import { say, type Command } from "../command.ts";

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
    if (!now.workers.some(({ is_alive }) => is_alive)) say("\nNo worker is alive: nothing is done until one starts.");
    const workers = now.workers.map((worker) => [
      `${worker.host}:${worker.pid}`,
      `${span(worker.seen_seconds_ago)} ago${worker.is_alive ? "" : " (gone)"}`,
      worker.event_loop_delay_milliseconds === null ? "-" : `${Math.round(worker.event_loop_delay_milliseconds)} ms`,
      Object.values(worker.running).reduce((sum, tasks) => sum + tasks, 0),
    ]);
    say(`\n${columns([["WORKER", "HEARTBEAT", "LOOP", "RUNNING"], ...workers])}`);
    return true;
  };
}

const typeHeads = "TYPE DUE SCHEDULED RUNNING RETRYING DEAD FAILED/H OLDEST_DUE BREAKER LAST_ERROR".split(" ");
