import { beforeEach, describe, expect, it } from "vitest";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, openTransaction } from "../support/feed.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
const events = (...args: string[]) => run("cli/events.ts", { DATABASE_URL: url }, args);
beforeEach(() => empty(sql));

async function printed(...args: string[]): Promise<string[]> {
  const process = events(...args);
  expect(await process.exited).toBe(0);
  return process.output().split("\n").slice(0, -1);
}

/** Transactions of other tests on the same server hold the feed up for moments. */
const settled = (count: number) =>
  until("they can be read", async () => (await printed("--after", "0-0")).length === count);

describe("npm run events", () => {
  it("prints the last 20, or all after a position, or one type", async () => {
    for (let n = 0; n < 22; n += 1) await appendEvent(sql, "LOGGED_IN", { usr_id: 7 });
    await appendEvent(sql, "MAIL_SENT", { data: { task_type: "SEND\nEMAIL" } });
    await settled(23);

    const lines = await printed();
    expect(lines).toHaveLength(20);
    expect(lines[18]).toMatch(/^\d+-22 {2}20[\d-]+T[\d:.]+Z {2}LOGGED_IN {2}usr_id=7$/);
    expect(lines[19]).toMatch(/^\d+-23 {2}20[\d-]+T[\d:.]+Z {2}MAIL_SENT {2}task_type=SEND EMAIL$/);

    const [position = ""] = lines[18]!.split(" ");
    expect(await printed("--after", position)).toEqual([lines[19]]);
    expect(await printed("--type", "MAIL_SENT")).toEqual([lines[19]]);
    expect(JSON.parse((await printed("--json", "--after", position))[0]!)).toEqual({
      position: lines[19]!.split(" ")[0],
      event_id: "23",
      event_type: "MAIL_SENT",
      usr_id: null,
      data: { task_type: "SEND\nEMAIL" },
      created_at: expect.stringMatching(/Z$/) as string,
    });
  });

  it("follows, and skips nothing that commits late", async () => {
    await appendEvent(sql, "FIRST");
    await settled(1);
    const follower = events("--follow");
    await until("it prints", () => follower.output().includes("FIRST"));
    const slow = await openTransaction(sql);
    await appendEvent(slow.tx, "SLOW");
    await appendEvent(sql, "FAST");
    // Long enough for the follower to look.
    for (let n = 0; n < 3; n += 1) await printed();
    await slow.commit();
    await until("it follows", () => follower.output().includes("FAST"));
    expect(follower.output()).toMatch(/FIRST[^]*SLOW[^]*FAST/);
    await follower.end();
    expect(await sql`select from event_consumer`).toHaveLength(0);
  });

  it.each([["--after", "nonsense"], ["--after", "1;2"], ["--folow"], ["extra"]])(
    "does not understand %s",
    async (...args) => {
      const process = events(...args);
      expect(await process.exited).toBe(2);
      expect(process.output()).toContain("npm run events");
    },
  );

  it("says so when the database is not there", async () => {
    const process = run("cli/events.ts", { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
    expect(await process.exited).toBe(1);
  });
});
