import { beforeEach, describe, expect, it } from "vitest";
import { findLanes } from "../../worker/engine/lanes.ts";
import { createDatabase, empty } from "../support/database.ts";
import { addWorker, enqueue } from "../support/engine.ts";

const { sql } = await createDatabase();
const types = ["ONE", "TWO"];
let worker: string;

beforeEach(async () => {
  await empty(sql);
  worker = await addWorker(sql);
});

describe("findLanes", () => {
  it("returns one row for each type and priority with due tasks, oldest first", async () => {
    await enqueue(sql, "TWO", 2, { priority: 5 });
    await enqueue(sql, "ONE");
    await sql`update task set run_at = '2026-01-02 03:04:05.678901Z' where task_id = 3`;
    await enqueue(sql, "ONE", 3, { priority: 5 });
    await enqueue(sql, "ONE", 1, { run_at: "2026-02-02", priority: 9, crashes: 2 });
    await enqueue(sql, "ONE", 1, { run_at: "2026-01-01", worker_id: worker });

    const lanes = await findLanes(sql, types);
    expect(lanes.map((lane) => ({ ...lane }))).toEqual([
      {
        task_type: "ONE",
        priority: 0,
        run_at: expect.stringContaining("2026-01-02 03:04:05.678901") as string,
        task_id: "3",
        due_since: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000 + 0.678901,
        is_aged: true,
      },
      expect.objectContaining({ task_type: "ONE", priority: 9, task_id: "7", is_aged: true }),
      expect.objectContaining({ task_type: "TWO", priority: 5, task_id: "1", is_aged: false }),
      expect.objectContaining({ task_type: "ONE", priority: 5, task_id: "4", is_aged: false }),
    ]);
  });
});

describe("findLanes, with known lanes", () => {
  it("returns other lanes, and empty known ones from their fronts", async () => {
    await enqueue(sql, "ONE", 2);
    await enqueue(sql, "TWO");
    await enqueue(sql, "TWO", 1, { priority: 5 });
    const [one, two] = (await findLanes(sql, types)).filter(({ priority }) => priority === 0);
    const found = await findLanes(sql, types, [one!, two!], [{ ...one!, task_id: "2" }]);
    expect(found.map(({ task_type, priority, task_id }) => [task_type, priority, task_id])).toEqual([
      ["ONE", 0, "2"],
      ["TWO", 5, "4"],
    ]);
  });
});

describe("findLanes, of lanes without due tasks", () => {
  it("returns no row", async () => {
    await enqueue(sql, "ONE", 1, { run_at: "2100-01-01" });
    await enqueue(sql, "TWO", 1, { worker_id: worker });
    await enqueue(sql, "THREE");
    expect(await findLanes(sql, types)).toHaveLength(0);
  });
});
