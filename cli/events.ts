import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { isUnavailable, type Sql } from "../app/db/connect.ts";
import { beginning, isPosition, readEvents, readLastEvents, type Event } from "../app/db/feed.ts";
import { complain, runCommand, say, type Command } from "./command.ts";

const usage = `What happened, in the order of the feed.

  npm run events                        the last 20
  npm run events -- --follow            and what happens from now on
  npm run events -- --after POSITION    all that comes after it; 0-0: all that is there
  npm run events -- --type TYPE         of this type alone; may be said several times

Each line begins with its POSITION. With --json for scripts (and npm run --silent, or node cli/events.ts).
`;

type Options = { after?: string | undefined; follow: boolean; json: boolean; type: string[] };

const batch = 1000;
const last = 20;
const pollMilliseconds = 500;

// Who reads no further, as `head`, has what they wanted.
process.stdout.once("error", () => process.exit(0));
await runCommand(usage, parse);

function parse(): Command | undefined {
  const { values } = parseArgs({
    options: {
      after: { type: "string" },
      follow: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      type: { type: "string", multiple: true, default: [] },
    },
  });
  if (values.after !== undefined && !isPosition(values.after)) return undefined;
  return (sql) => tell(sql, values);
}

/** Has no row in `event_consumer`: nobody has to wait for who only looks. */
async function tell(sql: Sql, { after, follow, json, type }: Options): Promise<true> {
  const show = (events: Event[]) => {
    for (const event of events) {
      if (type.length === 0 || type.includes(event.event_type)) say(json ? JSON.stringify(event) : line(event));
    }
    return events.at(-1)?.position;
  };

  let position = after ?? show(await readLastEvents(sql, last)) ?? beginning;
  for (;;) {
    const events = await readOn(sql, position, follow);
    position = show(events) ?? position;
    if (events.length > 0) continue;
    if (!follow) return true;
    await delay(pollMilliseconds);
  }
}

/** Who follows stays, and says so, while the database is away. */
async function readOn(sql: Sql, position: string, follow: boolean): Promise<Event[]> {
  try {
    return await readEvents(sql, position, batch);
  } catch (error) {
    if (!follow || !isUnavailable(error)) throw error;
    complain("The database is away; trying again.");
    return [];
  }
}

function line({ position, created_at, event_type, usr_id, data }: Event): string {
  const rest = Object.entries(data).map(([name, value]) => `${name}=${String(value)}`);
  const user = usr_id === null ? [] : [`usr_id=${usr_id}`];
  const text = [position, created_at.toISOString(), event_type, ...user, ...rest].join("  ");
  // Whoever writes events must not steer the reader's terminal.
  return text.replace(/\p{Cc}+/gu, " ");
}
