import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isUnavailable, type Sql } from "../app/db/connect.ts";
import { beginning, isPosition, readEvents, readLastEvents, type Event } from "../app/db/feed.ts";
import { fail, print, printable, runCommand } from "./command.ts";

const usage = `Shows events in the order of the feed.

  npm run events                        the last 20 events
  npm run events -- --follow            the same, then new events as they happen
  npm run events -- --after POSITION    every event after a position; 0-0 is the beginning
  npm run events -- --type TYPE         only events of this type; may be repeated

Each line starts with the event's position. Add --json for scripts, which call node cli/events.ts or npm run --silent.
`;

type Options = { after?: string | undefined; follow: boolean; json: boolean; type: string[] };

const batch = 1000;
const last = 20;
const pollMilliseconds = 500;

await runCommand(usage, () => {
  const { values } = parseArgs({
    options: {
      after: { type: "string" },
      follow: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      type: { type: "string", multiple: true, default: [] },
    },
  });
  return values.after === undefined || isPosition(values.after) ? (sql) => showEvents(sql, values) : undefined;
});

/** Keeps its position in memory: a row in `event_consumer` would prevent the pruning of events. */
async function showEvents(sql: Sql, { after, follow, json, type }: Options): Promise<true> {
  const show = (events: Event[]) => {
    for (const event of events) {
      if (type.length === 0 || type.includes(event.event_type)) print(json ? JSON.stringify(event) : line(event));
    }
    return events.at(-1)?.position;
  };

  let position = after ?? show(await readLastEvents(sql, last)) ?? beginning;
  for (;;) {
    const events = await readNext(sql, position, follow);
    position = show(events) ?? position;
    if (events.length > 0) continue;
    if (!follow) return true;
    await delay(pollMilliseconds);
  }
}

/** With --follow, reports an outage of the database and waits for its end. */
async function readNext(sql: Sql, position: string, follow: boolean): Promise<Event[]> {
  try {
    return await readEvents(sql, position, batch);
  } catch (error) {
    if (!follow || !isUnavailable(error)) throw error;
    fail("The database is not available. Trying again.");
    return [];
  }
}

function line({ position, created_at, event_type, usr_id, data }: Event): string {
  const rest = Object.entries(data).map(([name, value]) => `${name}=${String(value)}`);
  const user = usr_id === null ? [] : [`usr_id=${usr_id}`];
  return printable([position, created_at.toISOString(), event_type, ...user, ...rest].join("  "));
}
