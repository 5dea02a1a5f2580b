import { beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../support/command.ts";
import { createDatabase, empty } from "../support/database.ts";
import { appendEvent, openTransaction, untilReadable } from "../support/feed.ts";
import { run } from "../support/processes.ts";
import { until } from "../support/until.ts";

const { sql, url } = await createDatabase();
const events = (...args: string[]) => runCommand(url, "events", ...args);
beforeEach(() => empty(sql));

async function lines(...args: string[]): Promise<string[]> {
  const { exitCode, output } = await events(...args);
  expect(exitCode).toBe(0);
  return output.split("\n").slice(0, -1);
}

describe("npm run events", () => {
  it("prints the last 20 events, all after a position, or one type", async () => {
    for (let n = 0; n < 22; n += 1) await appendEvent(sql, "LOGGED_IN", { usr_id: 7 });
    await appendEvent(sql, "MAIL_SENT", { data: { task_type: "SEND\nEMAIL" } });
    await untilReadable(sql);

    const last = await lines();
    expect(last).toHaveLength(20);
    expect(last[18]).toMatch(/^\d+-22 {2}20[\d-]+T[\d:.]+Z {2}LOGGED_IN {2}usr_id=7$/);
    expect(last[19]).toMatch(/^\d+-23 {2}20[\d-]+T[\d:.]+Z {2}MAIL_SENT {2}task_type=SEND EMAIL$/);

    const [position = ""] = last[18]!.split(" ");
    expect(await lines("--after", "0-0")).toHaveLength(23);
    expect(await lines("--after", position)).toEqual([last[19]]);
    expect(await lines("--type", "MAIL_SENT")).toEqual([last[19]]);
    expect(JSON.parse((await lines("--json", "--after", position))[0]!)).toEqual({
      position: last[19]!.split(" ")[0],
      event_id: "23",
      event_type: "MAIL_SENT",
      usr_id: null,
      data: { task_type: "SEND\nEMAIL" },
      created_at: expect.stringMatching(/Z$/) as string,
    });
  });

  it("follows the feed without missing a late commit", async () => {
    await appendEvent(sql, "FIRST");
    await untilReadable(sql);
    const follower = run("cli/events.ts", { DATABASE_URL: url }, ["--follow"]);
    await until("it prints the first event", () => follower.output().includes("FIRST"));
    const slow = await openTransaction(sql);
    await appendEvent(slow.tx, "SLOW");
    await appendEvent(sql, "FAST");
    await untilPolled();
    await slow.commit();
    await until("it prints the later events", () => follower.output().includes("FAST"));
    expect(follower.output()).toMatch(/FIRST[^]*SLOW[^]*FAST/);
    await follower.end();
    expect(await sql`select from event_consumer`).toHaveLength(0);
  });

  it.each([["--after", "nonsense"], ["--after", "1;2"], ["--folow"], ["extra"]])(
    "exits 2 and prints its usage for %s",
    async (...args) => {
      expect(await events(...args)).toMatchObject({
        exitCode: 2,
        output: expect.stringContaining("npm run events") as string,
      });
    },
  );

  it("exits 1 when the database is away", async () => {
    expect(await runCommand("postgres://nobody@127.0.0.1:1/none", "events")).toMatchObject({ exitCode: 1 });
  });
});

/** Resolves when the follower has run a query that began after this call. */
function untilPolled() {
  const called = Date.now();
  return until("the follower polls", async () => {
    const [row] = await sql<{ query_start: Date }[]>`
      select query_start from pg_stat_activity
      where datname = current_database() and application_name like '%shell%' and state = 'idle'
    `;
    return row !== undefined && row.query_start.getTime() > called;
  });
}
