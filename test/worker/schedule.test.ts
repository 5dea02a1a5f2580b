import { beforeEach, describe, expect, it } from "vitest";
import { enqueueDue, type Recurring } from "../../worker/recurring.ts";
import { connectWithClock } from "../support/test-clock.ts";
import { createDatabase } from "../support/database.ts";

const database = await createDatabase();
const { sql } = database;
const hourly: Recurring = { name: "hourly", task_type: "TIDY", params: { table: "usr" }, every_minutes: 60 };
const daily: Recurring = { name: "daily", task_type: "TIDY", daily_at: "03:30", time_zone: "Asia/Kathmandu" };

beforeEach(() => sql`truncate task, schedule`);

const names = async (recurring: Recurring[]) => (await enqueueDue(sql, recurring)).map(({ name }) => name).toSorted();
const missSlots = (count: number) =>
  sql`update schedule set last_slot = last_slot - ${count} * case name when 'daily' then interval '1 day' else interval '1 hour' end`;
const tasks = () => sql`select task_type, params from task`;

describe("a recurring task", () => {
  it("waits for its next slot when it is new", async () => {
    expect(await names([hourly, daily])).toEqual([]);
    expect(await names([hourly, daily])).toEqual([]);
    expect(await tasks()).toEqual([]);
    expect(
      await sql`
        select
          name,
          case name when 'daily' then last_slot at time zone 'Asia/Kathmandu' else last_slot end::time::text as at,
          last_slot between now() - case name when 'daily' then interval '1 day' else interval '1 hour' end and now() as is_last
        from schedule
        order by name
      `,
    ).toEqual([
      { name: "daily", at: "03:30:00", is_last: true },
      { name: "hourly", at: expect.stringMatching(/:00:00$/) as string, is_last: true },
    ]);
  });

  it("is enqueued once per slot, even after its task is done", async () => {
    await names([hourly, daily]);
    await missSlots(1);
    expect(await names([hourly, daily])).toEqual(["daily", "hourly"]);
    expect(await tasks()).toEqual(
      expect.arrayContaining([
        { task_type: "TIDY", params: { table: "usr" } },
        { task_type: "TIDY", params: {} },
      ]),
    );
    await sql`delete from task`;
    expect(await names([hourly, daily])).toEqual([]);
    expect(await tasks()).toEqual([]);
  });

  it("is enqueued once for all missed slots", async () => {
    await names([hourly, daily]);
    await missSlots(10);
    expect(await names([hourly, daily])).toEqual(["daily", "hourly"]);
    expect(await names([hourly, daily])).toEqual([]);
    expect(await tasks()).toHaveLength(2);
  });

  it("is enqueued once when ten workers see its slot at once", async () => {
    for (let round = 1; round <= 5; round += 1) {
      await names([hourly]);
      await missSlots(1);
      const enqueued = await Promise.all(Array.from({ length: 10 }, () => names([hourly])));
      expect(enqueued.flat()).toEqual(["hourly"]);
      expect(await tasks()).toHaveLength(round);
    }
  });

  it("is not enqueued again by a worker that computes an earlier slot", async () => {
    await names([hourly]);
    await sql`update schedule set last_slot = last_slot + interval '1 hour'`;
    expect(await names([hourly])).toEqual([]);
    expect(await tasks()).toEqual([]);
  });
});

describe("the clock of a recurring task", () => {
  it.each([
    [
      "a day has no such hour",
      "Europe/Berlin",
      "02:30",
      "2026-03-27",
      "27 02:30, 28 02:30, 29 03:30, 30 02:30, 31 02:30",
    ],
    ["a day has it twice", "Europe/Berlin", "02:30", "2026-10-23", "23 02:30, 24 02:30, 25 02:30, 26 02:30, 27 02:30"],
    // The first slot is now, and a new task waits for its next one.
    ["it is midnight", "Asia/Kathmandu", "00:00", "2026-06-01", "02 00:00, 03 00:00, 04 00:00, 05 00:00"],
  ])("is the database's, in the zone of the task, though %s", async (_, time_zone, daily_at, from, slots) => {
    const sql = await connectWithClock(database);
    const task: Recurring = { name: "zoned", task_type: "TIDY", daily_at, time_zone };
    const slotsSeen: string[] = [];
    for (let minutes = 0; minutes < 5 * 24 * 60; minutes += 30) {
      const [row] = await sql<{ at: string }[]>`
        update clock.reading
        set at = ${from}::timestamp at time zone ${time_zone} + make_interval(mins => ${minutes})
        returning to_char(at at time zone ${time_zone}, 'DD HH24:MI') as at
      `;
      if ((await enqueueDue(sql, [task])).length > 0) slotsSeen.push(row!.at);
    }
    expect(slotsSeen.join(", ")).toBe(slots);
  });
});
