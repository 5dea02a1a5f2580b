import { beforeEach, describe, expect, it } from "vitest";
import { blocksOf } from "../support/copy.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
beforeEach(() => empty(sql));

const blocks = await blocksOf("docs/operate.md", "sql");
const run = async (number: number) => [...(await sql.unsafe(blocks[number]!.text))];

describe("the statements in docs/operate.md", () => {
  it("count the tasks of a type by state", async () => {
    const worker_id = await addWorker(sql);
    await enqueue(sql, "MAIL", 3, { run_at: new Date(Date.now() - 90_000) });
    await enqueue(sql, "MAIL", 2, { run_at: new Date(Date.now() + 90_000), attempt: 1 });
    await enqueue(sql, "MAIL", 1, { worker_id, attempt: 1 });
    expect(await run(0)).toEqual([
      {
        task_type: "MAIL",
        due: "3",
        scheduled: "2",
        running: "1",
        retrying: "2",
        oldest_due: expect.stringMatching(/^00:01:3/) as string,
      },
    ]);
  });

  it("list the workers and what they pause", async () => {
    const worker_id = await addWorker(sql);
    await sql`
      insert into breaker (worker_id, task_type, open_until, error)
      values (${worker_id}, 'MAIL', now(), 'no connection')
    `;
    expect(await run(1)).toMatchObject([{ paused: "MAIL", error: "no connection" }]);
  });

  it("list dead tasks and retry them, once for each unique key", async () => {
    await sql`
      insert into task_dead (task_id, task_type, params, priority, attempt, unique_key, reason, created_at)
      select task_id, task_type, '{"usr_id": "1"}', 3, 5, unique_key, 'no luck', now()
      from (
        values
          (1, 'SEND_EMAIL_WELCOME', '1'),
          (2, 'SEND_EMAIL_WELCOME', '1'),
          (3, 'SEND_EMAIL_WELCOME', null),
          (4, 'OTHER', null)
      ) as dead (task_id, task_type, unique_key)
    `;
    expect(await run(2)).toHaveLength(4);

    await run(3);
    const tasks = await sql`select task_type, params, priority, attempt, unique_key from task order by unique_key`;
    const retried = { task_type: "SEND_EMAIL_WELCOME", params: { usr_id: "1" }, priority: 3, attempt: 0 };
    expect(tasks).toEqual([
      { ...retried, unique_key: "1" },
      { ...retried, unique_key: null },
    ]);
    expect(await run(2)).toMatchObject([{ task_type: "OTHER", reason: "no luck" }]);
  });
});
