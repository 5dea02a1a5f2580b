import { parseArgs } from "node:util";
import type { Sql } from "../app/db/connect.ts";
import { originEnv } from "../app/env.ts";
import { disable, register, remove, rotate, test } from "../app/webhooks/actions.ts";
import { readWebhooks } from "../app/webhooks/read-webhooks.ts";
import { edit, enable } from "../app/webhooks/restart.ts";
import {
  emptyWebhook,
  isWebhookId,
  newSecret,
  problemsWith,
  toFields,
  typeWebhook,
  type TypedWebhook,
} from "../app/webhooks/webhook-fields.ts";
import { columns, fail, print, runCommand, type Command } from "./command.ts";

const usage = `Endpoints that events are posted to.

  npm run webhooks -- list
  npm run webhooks -- add URL [--events "SIGNED_UP MAIL_SENT"] [--rate 10]   prints its secret, once
  npm run webhooks -- edit ID [--url URL] [--events "…"] [--rate 10]
  npm run webhooks -- rotate ID     a new secret, printed once; for a day the old one signs, too
  npm run webhooks -- test ID       send a test event
  npm run webhooks -- disable ID    send nothing more
  npm run webhooks -- enable ID     send again, or end a pause
  npm run webhooks -- remove ID

--events "" means all events, --rate the most requests per second. Add --json for scripts, which call
node cli/webhooks.ts or npm run --silent.
`;

const actions = { test, disable, enable, remove };

await runCommand(usage, () => {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    options: { json: { type: "boolean", default: false }, url: text, events: text, rate: text },
    allowPositionals: true,
  });
  const { json, url, events, rate } = values;
  const [verb, subject, ...more] = positionals;
  const given = Object.entries({ url, event_types: events, per_second: rate }).filter(
    ([, value]) => value !== undefined,
  );
  if (verb === undefined || more.length > 0) return undefined;

  if (verb === "add") {
    if (subject === undefined || url !== undefined) return undefined;
    const typed = { ...emptyWebhook, ...Object.fromEntries(given), url: subject };
    return problemOf(typed) ?? add(typed, json);
  }
  if (verb === "edit") {
    const typed: Partial<TypedWebhook> = Object.fromEntries(given);
    if (!isId(subject) || given.length === 0) return undefined;
    return problemOf(typed) ?? change(subject, typed, json);
  }
  if (given.length > 0) return undefined;
  if (verb === "list") return subject === undefined ? list(json) : undefined;
  if (!isId(subject)) return undefined;
  if (verb === "rotate") return rotateSecret(subject, json);
  return isAction(verb) ? act(verb, subject, json) : undefined;
});

function isId(text: string | undefined): text is string {
  return text !== undefined && isWebhookId(text);
}

function isAction(text: string): text is keyof typeof actions {
  return Object.hasOwn(actions, text);
}

function problemOf(typed: Partial<TypedWebhook>): string | undefined {
  return Object.values(problemsWith(typed, originEnv()))[0];
}

/** Never their secrets. */
function list(isJson: boolean): Command {
  return async (sql) => {
    const webhooks = await readWebhooks(sql);
    if (isJson) return print(JSON.stringify(webhooks));
    const rows = webhooks.map((webhook) => [
      webhook.webhook_id,
      webhook.url,
      webhook.event_types.join(" ") || "all",
      webhook.per_second,
      webhook.state,
      webhook.failures,
      webhook.old_secrets_expire_at?.toISOString() ?? "-",
      webhook.disabled ?? webhook.last_error ?? "-",
    ]);
    const names = "ID URL EVENTS RATE STATE FAILURES OLD_SECRET_UNTIL LAST_ERROR".split(" ");
    return print(columns([names, ...rows]));
  };
}

function add(typed: TypedWebhook, isJson: boolean): Command {
  return async (sql) => {
    const secret = newSecret();
    const fields = toFields(typed);
    await warnOfUnknown(fields.event_types, sql);
    const { webhook_id } = await register(sql, fields, secret, null);
    if (isJson) return print(JSON.stringify({ webhook_id, secret }));
    print(`add: endpoint ${webhook_id}. It gets events from now on.`);
    return printSecret(secret);
  };
}

function change(id: string, given: Partial<TypedWebhook>, isJson: boolean): Command {
  return async (sql) => {
    const [webhook] = await readWebhooks(sql, id);
    if (!webhook) return fail(`Endpoint ${id} does not exist.`);
    const fields = toFields({ ...typeWebhook(webhook), ...given });
    if (given.event_types !== undefined) await warnOfUnknown(fields.event_types, sql);
    const [changed] = await edit(sql, id, fields, null);
    if (!changed) return fail(`Nothing changed. Endpoint ${id} is like that already.`);
    return print(isJson ? JSON.stringify(changed) : `edit: endpoint ${id}.`);
  };
}

/** An event type may be misspelled, or its first event may be yet to come. */
async function warnOfUnknown(eventTypes: string[], sql: Sql): Promise<void> {
  const unknown = await sql<{ event_type: string }[]>`
    select event_type from unnest(${eventTypes}::text[]) as event_type
    except
    select event_type from event
    order by event_type
  `;
  if (unknown.length === 0) return;
  const names = unknown.map(({ event_type }) => event_type).join(", ");
  process.stderr.write(`The feed has no event of these types yet: ${names}. Check the spelling.\n`);
}

function rotateSecret(id: string, isJson: boolean): Command {
  return async (sql) => {
    const secret = newSecret();
    const [rotated] = await rotate(sql, id, secret, null);
    if (!rotated) return fail(`Endpoint ${id} does not exist.`);
    const { webhook_id, old_secrets_expire_at } = rotated;
    if (isJson) return print(JSON.stringify({ webhook_id, secret, old_secrets_expire_at }));
    print(`rotate: endpoint ${id}. The old secret signs, too, until ${old_secrets_expire_at.toISOString()}.`);
    return printSecret(secret);
  };
}

function printSecret(secret: string): true {
  return print(`Give the receiver this secret now. Nothing shows it again.\n\n${secret}`);
}

function act(verb: keyof typeof actions, id: string, isJson: boolean): Command {
  return async (sql) => {
    const [changed] = await actions[verb](sql, id, null);
    if (!changed) return fail(await whyNot(verb, id, sql));
    return print(isJson ? JSON.stringify(changed) : `${verb}: endpoint ${id}.`);
  };
}

/** Why an action has changed nothing. */
async function whyNot(verb: keyof typeof actions, id: string, sql: Sql): Promise<string> {
  const [webhook] = await readWebhooks(sql, id);
  if (!webhook) return `Endpoint ${id} does not exist.`;
  if (verb !== "test") return `Nothing changed. Endpoint ${id} is ${verb}d already.`;
  if (webhook.disabled !== null) return `Endpoint ${id} is disabled: enable it first.`;
  return `Nothing changed. A test of endpoint ${id} is still pending.`;
}
