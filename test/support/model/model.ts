import type { Lane } from "../../../worker/engine/lanes.ts";
import type { Fence } from "../../../worker/engine/outcomes.ts";

export type Task = {
  task_id: string;
  task_type: string;
  priority: number;
  unique_key: string | null;
  attempt: number;
  crashes: number;
  worker_id: string | null;
  /** Seconds since 1970. */
  run_at: number;
  is_due: boolean;
};

export type Worker = {
  id: string;
  /** The tasks that it believes to run; another worker may run them by now. */
  running: (Fence & { run_at: string })[];
  /** The lanes that it last found; they may have changed. */
  lanes: Lane[];
};

export type Model = {
  tasks: Map<string, Task>;
  dead: Map<string, { attempt: number; reason: string }>;
  errors: Map<string, string>;
  /** Rows of the table. */
  sessions: Map<string, { isSilent: boolean }>;
  workers: Worker[];
  /** How often each step and each rare case was reached. */
  reached: Map<string, number>;
};

/** The types that the workers know. There may be tasks of other types. */
export const types = ["A", "B", "C"];

export function note({ reached }: Model, what: string, times = 1): void {
  reached.set(what, (reached.get(what) ?? 0) + times);
}

/** What a claim can take from a lane: pending, due, and not before the lane's first task. */
export function claimable({ tasks }: Model, lane: Lane): Task[] {
  const front = { run_at: lane.due_since, task_id: lane.task_id } as Task;
  return [...tasks.values()]
    .filter(({ task_type, priority }) => task_type === lane.task_type && priority === lane.priority)
    .filter(({ worker_id, is_due }) => worker_id === null && is_due)
    .filter((task) => byAge(task, front) >= 0)
    .toSorted(byAge);
}

/** The oldest pending task of each type and priority. */
export function modelledFronts({ tasks }: Model): string[] {
  const free = [...tasks.values()]
    .filter(({ worker_id, is_due, task_type }) => worker_id === null && is_due && types.includes(task_type))
    .toSorted(byAge);
  const fronts = new Map<string, string>();
  for (const { task_type, priority, task_id } of free) {
    const lane = `${task_type}/${priority}`;
    if (!fronts.has(lane)) fronts.set(lane, [task_type, priority, task_id].join());
  }
  return [...fronts.values()];
}

const byAge = (a: Task, b: Task) => a.run_at - b.run_at || Number(a.task_id) - Number(b.task_id);

export function take(worker: Worker, tasks: Task[], claimed: readonly { task_id: string; run_at: string }[]): void {
  for (const task of tasks) {
    const { run_at } = claimed.find(({ task_id }) => task_id === task.task_id)!;
    Object.assign(task, { worker_id: worker.id, attempt: task.attempt + 1 });
    worker.running.push({ task_id: task.task_id, attempt: task.attempt, worker_id: worker.id, run_at });
  }
}

export const ids = (rows: readonly { task_id: string }[]) => rows.map(({ task_id }) => task_id).toSorted();
