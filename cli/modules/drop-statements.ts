import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createParts } from "../../worker/handlers.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import * as modules from "../../worker/modules.ts";
import type { Module } from "../../worker/modules.ts";
import type { Files } from "./files.ts";

/**
 * SQL that takes a removed module out of a database: pending and dead tasks, consumers, recurring tasks, and what its migrations
 * created. `gone` are its files. It changes nothing in a database that never had the module: new ones run it, too.
 */
export function dropStatements(name: string, gone: Files): string[] {
  const { taskTypes, consumers, recurring } = readWorkerModule(name);
  const migrations = [...gone.keys()].filter((path) => path.startsWith("migrations/")).toSorted();
  return [
    ...deletes("task", "task_type", taskTypes),
    ...deletes("task_dead", "task_type", taskTypes),
    ...deletes("event_consumer", "name", consumers),
    ...deletes("schedule", "name", recurring),
    ...drops(migrations.map((path) => gone.get(path)!.replaceAll(/--.*/g, "")).join("\n")),
  ];
}

/** The names that the module has in the rows of the worker. */
function readWorkerModule(name: string) {
  const module = Object.entries<Module>(modules).find(([exported]) => exported === name)?.[1];
  const core = workerEnv([], { DATABASE_URL: "postgres://localhost", SMTP_URL: "smtp://localhost", MAIL_FROM: "a@b" });
  const env = { ...z.object(module?.env ?? {}).safeParse({}).data, ...core };
  // Neither connects before it is used.
  const parts = createParts(connect(core, "shell"), createMailer(core), core);
  return {
    taskTypes: Object.keys(module?.createHandlers?.({ ...parts, env }) ?? {}),
    consumers: (module?.consumers ?? []).map(({ name }) => name),
    recurring: (module?.schedule?.(env) ?? []).map(({ name }) => name),
  };
}

function deletes(table: string, column: string, values: string[]): string[] {
  const list = values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ");
  return values.length > 0 ? [`delete from ${table} where ${column} in (${list});`] : [];
}

/**
 * The opposite of `create` and `alter table … add`, last first. What belongs to a dropped table goes with it. A
 * statement without a safe opposite becomes a comment that says so.
 */
export function drops(sql: string): string[] {
  const bodiless = sql.replaceAll(/\$(\w*)\$[^]*?\$\1\$/g, "''");
  const statements = bodiless.split(";").map((statement) => statement.trim().replaceAll(/\s+/g, " "));
  const tables = new Set(statements.map((statement) => created(statement)).flatMap(({ table }) => table ?? []));
  return statements
    .filter(Boolean)
    .flatMap((statement) => opposite(statement, tables) ?? [`-- Undo this by hand: ${statement}`])
    .toReversed();
}

/** Undefined for what it cannot read for sure, such as `if not exists`, or a name with a schema. */
function opposite(statement: string, tables: Set<string>): string[] | undefined {
  const { kind, name, on } = created(statement);
  if (kind !== undefined && on !== undefined) {
    return tables.has(on) ? [] : [`drop ${kind} if exists ${name}${kind === "trigger" ? ` on ${on}` : ""};`];
  }
  if (kind !== undefined)
    return kind === "index" || kind === "trigger" ? undefined : [`drop ${kind} if exists ${name};`];

  const [, changed = "", actions = ""] =
    /^(?:alter table|insert into|update|delete from) (\w+)(?!\.)\b(.*)/.exec(statement) ?? [];
  if (tables.has(changed)) return [];
  if (!statement.startsWith("alter table ")) return undefined;
  const added = split(actions).map((action) => /^add (column|constraint) (?!if\b)(\w+)/.exec(action));
  return added.every((match) => match !== null)
    ? added.map(([, part, of]) => `alter table ${changed} drop ${part} if exists ${of};`)
    : undefined;
}

function created(statement: string) {
  const create =
    /^create (?:unique |unlogged )?(table|view|function|index|type|trigger) (?!(?:if|on|concurrently)\b)(\w+)\b(?!\.)([^(]*)/;
  const [, kind, name, rest = ""] = create.exec(statement) ?? [];
  const on = kind === "index" || kind === "trigger" ? / on (\w+)\b(?!\.)/.exec(rest)?.[1] : undefined;
  return { kind, name, on, table: kind === "table" ? name : undefined };
}

/** The actions of `alter table`: a comma in a string or in parentheses divides nothing. */
function split(actions: string): string[] {
  let flat = actions.replaceAll(/'[^']*'/g, "");
  for (let outer = ""; outer !== flat;) {
    outer = flat;
    flat = flat.replaceAll(/\([^()]*\)/g, "");
  }
  return flat.split(",").map((action) => action.trim());
}
