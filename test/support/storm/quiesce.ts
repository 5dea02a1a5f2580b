import type { Sql } from "../../../app/db/connect.ts";
import { enqueueTasks } from "../chaos.ts";
import { until } from "../until.ts";
import { unread } from "./feed.ts";
import { isReady, type Fleet } from "./fleet.ts";
import type { Member } from "./member.ts";

const limitSeconds = 90;

/** Resolves when no task is left and every process works again, without a restart. */
export async function quiesce(sql: Sql, fleet: Fleet): Promise<void> {
  await Promise.all(fleet.webs.map(isReady));
  await until(
    "all is done",
    async () => {
      await makeDue(sql);
      return (await sql`select from task limit 1`).length === 0;
    },
    limitSeconds,
  ).catch(async (error: unknown) => {
    const left = await sql`
      select task_type, attempt, crashes, run_at - now() as due_in, worker_id, created_at from task limit 10
    `;
    throw new Error(`Tasks are left: ${JSON.stringify(left)}`, { cause: error });
  });
  await until("the feed is read", async () => (await unread(sql)).length === 0, limitSeconds);
  await until("the running workers have their rows", () => sameSessions(sql, fleet), limitSeconds);
  await proveWork(sql, fleet.workers);
}

/** Makes waiting mails due: those between two attempts, and those over the limit of their mailbox. */
const makeDue = (sql: Sql) => sql`
  with ended as (
    delete from rate_limit
    where action like '% mail'
  )
  update task
  set run_at = now()
  where run_at > now() and worker_id is null and task_type like 'SEND%'
`;

/** Exits that the storm did not cause. */
export const unexpectedExits = ({ members }: Fleet): string[] => members.flatMap((member) => member.unexpectedExits);

async function sameSessions(sql: Sql, fleet: Fleet): Promise<boolean> {
  const exits = unexpectedExits(fleet);
  if (exits.length > 0) throw new Error(`A process exited by itself: ${exits.join("; ")}`);
  const { workers } = fleet;
  const rows = await sql<{ pid: number }[]>`select pid from worker`;
  return (
    rows.length === workers.length && workers.every(({ process }) => rows.some(({ pid }) => pid === process.child.pid))
  );
}

/** Resolves when each worker has finished a task. */
export async function proveWork(sql: Sql, workers: Member[]): Promise<void> {
  const before = new Map(workers.map(({ process }) => [process, process.output().length]));
  await until(
    "each worker has done a task",
    async () => {
      await enqueueTasks(sql, "NO_OP", {}, 30);
      await until("they are done", () => areDone(sql), limitSeconds);
      return workers.every(({ process }) => process.output().indexOf('"msg":"done"', before.get(process)) > 0);
    },
    limitSeconds,
  );
}

/** Not the mails, which may wait for their next attempt. */
const areDone = async (sql: Sql) => (await sql`select from task where task_type = 'NO_OP' limit 1`).length === 0;
