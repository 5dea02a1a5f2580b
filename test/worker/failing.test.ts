import { beforeEach, describe, expect, it } from "vitest";
import { errorText } from "../../worker/error-text.ts";
import { leave } from "../../worker/engine/session-statements.ts";
import { claim } from "../../worker/engine/claim.ts";
import { fail, type Failure } from "../../worker/engine/outcomes.ts";
import { putOff, release, type Delayed } from "../../worker/engine/release.ts";
import { survey } from "../../worker/engine/find-lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, owe } from "../support/engine.ts";

const { sql } = await createDatabase();
let held: Delayed;
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
  await owe(sql, "NOOP", 1, { params: sql.json(params), priority, unique_key, created_at, attempt: 2, unsettled: 1 });
  const worker_id = await addWorker(sql);
  const [claimed] = await claim(sql, worker_id, await survey(sql, ["NOOP"]), [1]);
  held = { ...claimed!, worker_id, delay_seconds: 90.5 };
});

const end = (how: Partial<Failure>) =>
  fail(sql, [{ ...held, error: "no luck", delay_seconds: null, is_unstarted: false, ...how }]);

describe("a failed attempt", () => {
  it("is owed again after the delay, with its error in the history", async () => {
    await end({ delay_seconds: 90.5 });

    expect(
      await sql`
        select
          task_id, task_type, params, priority, unique_key, attempt, created_at, worker_id, unsettled,
          (select run_at - failed_at = interval '90.5 seconds' from task_error) as is_on_time
        from task
      `,
    ).toEqual([{ ...task, worker_id: null, unsettled: 0, is_on_time: true }]);
    expect(await sql`select task_id, attempt, error from task_error`).toEqual([
      { task_id: "1", attempt: 3, error: "no luck" },
    ]);
    expect(await sql`select from task_dead`).toHaveLength(0);
  });

  it("without a delay is dead: all that was owed is kept, with the reason", async () => {
    await end({});

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

  it("that was never started is buried without an attempt of its own", async () => {
    await end({ is_unstarted: true });

    expect(await sql`select attempt, reason from task_dead`).toEqual([{ attempt: 2, reason: "no luck" }]);
    expect(await sql`select from task_error`).toHaveLength(0);
  });

  it("writes its error though somebody has set the attempts back by hand", async () => {
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
    await end({ error: errorText(new Error(message)) });
    const [row] = await sql<{ error: string }[]>`select error from task_error`;
    expect(row?.error).toEqual(clean);
    expect(await sql`select reason from task_dead`).toEqual([{ reason: row?.error }]);
  });
});

describe("a released task", () => {
  it("has its attempt back and keeps what is known of it", async () => {
    await release(sql, [held]);
    expect(await sql`select attempt, worker_id, unsettled from task`).toEqual([
      { attempt: 2, worker_id: null, unsettled: 1 },
    ]);
  });
});

describe("a task that is put off", () => {
  it("has its attempt back, has come to an outcome, and has nothing in its history", async () => {
    await putOff(sql, [held]);
    expect(
      await sql`
        select attempt, worker_id, unsettled, run_at > now() + interval '89 seconds' as is_later
        from task
      `,
    ).toEqual([{ attempt: 2, worker_id: null, unsettled: 0, is_later: true }]);
    expect(await sql`select from task_error`).toHaveLength(0);
  });
});

describe("a worker that leaves", () => {
  it("frees what it holds still, as of unknown outcome", async () => {
    await leave(sql, held.worker_id);
    expect(await sql`select attempt, worker_id, unsettled from task`).toEqual([
      { attempt: 3, worker_id: null, unsettled: 2 },
    ]);
    expect(await sql`select from worker`).toHaveLength(0);
  });
});
