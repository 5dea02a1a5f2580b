import { readOverview } from "../../app/ops/overview.ts";
import { count, promptness, span } from "../../app/ops/words.ts";
import { columns } from "../columns.ts";
import { say, type Command } from "../command.ts";

/** What is owed, held and stuck, by type and by worker. */
export function overview(isJson: boolean): Command {
  return async (sql) => {
    const now = await readOverview(sql);
    if (isJson) {
      say(JSON.stringify(now));
      return true;
    }
    const { words } = promptness(now.oldestDueSeconds);
    say(`Oldest due: ${now.oldestDueSeconds === null ? "-" : span(now.oldestDueSeconds)} (${words})\n`);
    const types = now.types.map((type) => [
      type.is_unknown ? `${type.task_type} (unknown)` : type.task_type,
      ...[type.due, type.held, type.scheduled, type.failing, type.dead, type.failures_last_hour].map(count),
      type.oldest_due_seconds === null ? "-" : span(type.oldest_due_seconds),
      type.breakers.length > 0 ? "open" : "-",
      type.last_error?.error.slice(0, 60) ?? "-",
    ]);
    say(columns([typeHeads, ...types]));
    if (!now.workers.some(({ is_alive }) => is_alive)) say("\nNo worker is alive: nothing is done until one starts.");
    const workers = now.workers.map((worker) => [
      `${worker.host}:${worker.pid}`,
      `${span(worker.seen_seconds_ago)} ago${worker.is_alive ? "" : " (gone)"}`,
      worker.turn_milliseconds === null ? "-" : `${Math.round(worker.turn_milliseconds)} ms`,
      Object.values(worker.holds).reduce((sum, tasks) => sum + tasks, 0),
    ]);
    say(`\n${columns([["WORKER", "HEARTBEAT", "LOOP", "HOLDS"], ...workers])}`);
    return true;
  };
}

const typeHeads = "TYPE DUE HELD SCHEDULED FAILING DEAD FAILED/H OLDEST_DUE BREAKER LAST_ERROR".split(" ");
