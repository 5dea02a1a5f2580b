import { beforeEach, describe, expect, it } from "vitest";
import { errorText } from "../../worker/engine/errors.ts";
import { leave } from "../../worker/engine/reclaim.ts";
import { claim } from "../../worker/engine/claim.ts";
import { giveBack, type GivenBack } from "../../worker/engine/outcomes.ts";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
let given: GivenBack;
const task = {
  task_id: "1",
  task_type: "NOOP",
  params: { usr_id: "9" },
  priority: 7,
  unique_key: "once",
  attempt: 3,
  created_at: new Date("2026-01-02T03:04:05Z"),
};

beforeEach(async () => {
  await empty(sql);
  const { params, priority, unique_key, created_at } = task;
  await enqueue(sql, "NOOP", 1, { params: sql.json(params), priority, unique_key, created_at, attempt: 2, crashes: 1 });
  const worker_id = await addWorker(sql);
  const [claimed] = await claim(sql, worker_id, await findLanes(sql, ["NOOP"]), [1]);
  given = {
    ...claimed!,
    worker_id,
    error: "no luck",
    delay_seconds: 90.5,
    is_dead: false,
    is_counted: true,
    crashes: 0,
  };
});

const end = (how: Partial<GivenBack>) => giveBack(sql, [{ ...given, ...how }]);

describe("a failed attempt", () => {
  it("is due again after the delay, with its error in the history", async () => {
    await end({});

    expect(
      await sql`
        select
          task_id, task_type, params, priority, unique_key, attempt, created_at, worker_id, crashes,
          (select run_at - failed_at = interval '90.5 seconds' from task_error) as is_on_time
        from task
      `,
    ).toEqual([{ ...task, worker_id: null, crashes: 0, is_on_time: true }]);
    expect(await sql`select task_id, attempt, error from task_error`).toEqual([
      { task_id: "1", attempt: 3, error: "no luck" },
    ]);
    expect(await sql`select from task_dead`).toHaveLength(0);
  });

  it("that was the last moves the task to task_dead, with the reason", async () => {
    await end({ is_dead: true });

    expect(await sql`select from task`).toHaveLength(0);
    expect(
      await sql`
        select task_id, task_type, params, priority, unique_key, attempt, created_at, reason, died_at <= now() as has_died
        from task_dead
      `,
    ).toEqual([{ ...task, reason: "no luck", has_died: true }]);
    expect(await sql`select task_id, attempt, error from task_error`).toEqual([
      { task_id: "1", attempt: 3, error: "no luck" },
    ]);
  });

  it("that was never started is dead without an attempt of its own", async () => {
    await end({ is_dead: true, is_counted: false });

    expect(await sql`select attempt, reason from task_dead`).toEqual([{ attempt: 2, reason: "no luck" }]);
    expect(await sql`select from task_error`).toHaveLength(0);
  });

  it("records its error though an update has reset the attempts", async () => {
    await sql`insert into task_error (task_id, attempt, error) values (1, 3, 'before')`;
    await end({ delay_seconds: 1 });
    expect(await sql`select attempt, error from task_error`).toEqual([{ attempt: 3, error: "no luck" }]);
  });

  it.each([
    ["a null byte", "a\0b", "ab"],
    ["a lone surrogate", "a\uD800b", "a\uFFFDb"],
    ["a surrogate pair at the cut", "x".repeat(1999) + "\u{1F600}", expect.stringMatching(/^x{1999}.?$/) as string],
    ["an address", "550 <ada.l+x@mail.example.com>: no such user", "550 <(address)>: no such user"],
    ["two addresses", "ada@example.com,bob@example.com", "(address),(address)"],
  ])("is stored cleaned of %s", async (_, message, clean) => {
    await end({ is_dead: true, error: errorText(new Error(message)) });
    const [row] = await sql<{ error: string }[]>`select error from task_error`;
    expect(row?.error).toEqual(clean);
    expect(await sql`select reason from task_dead`).toEqual([{ reason: row?.error }]);
  });
});

describe("a released task", () => {
  it("has its attempt back and keeps what is known of it", async () => {
    await end({ error: null, delay_seconds: null, is_counted: false, crashes: 1 });
    expect(await sql`select attempt, worker_id, crashes from task`).toEqual([
      { attempt: 2, worker_id: null, crashes: 1 },
    ]);
  });
});

describe("a task that is snoozed", () => {
  it("has its attempt back, no crashes, and nothing in its history", async () => {
    await end({ error: null, is_counted: false });
    expect(
      await sql`
        select attempt, worker_id, crashes, run_at > now() + interval '89 seconds' as is_later
        from task
      `,
    ).toEqual([{ attempt: 2, worker_id: null, crashes: 0, is_later: true }]);
    expect(await sql`select from task_error`).toHaveLength(0);
  });
});

describe("a worker that leaves", () => {
  it("frees its tasks, as of unknown outcome", async () => {
    await leave(sql, given.worker_id, [given]);
    expect(await sql`select attempt, worker_id, crashes from task`).toEqual([
      { attempt: 3, worker_id: null, crashes: 2 },
    ]);
    expect(await sql`select from worker`).toHaveLength(0);
  });
});
