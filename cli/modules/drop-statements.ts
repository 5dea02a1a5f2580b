import { z } from "zod";
import { connect } from "../../app/db/connect.ts";
import { workerEnv } from "../../app/env.ts";
import { createParts } from "../../worker/handlers.ts";
import { createMailer } from "../../worker/mail/mailer.ts";
import * as modules from "../../worker/modules.ts";
import type { Module } from "../../worker/modules.ts";
import type { Files } from "./files.ts";

/**
 * SQL that takes a removed module out of a database: pending tasks, consumers, recurring tasks, and what its migrations
 * created. `gone` are its files. It changes nothing in a database that never had the module: new ones run it, too.
 */
export function dropStatements(name: string, gone: Files): string[] {
  const { taskTypes, consumers, recurring } = readWorkerModule(name);
  const migrations = [...gone.keys()].filter((path) => path.startsWith("migrations/")).toSorted();
  return [
    ...deletes("task", "task_type", taskTypes),
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

/** The opposite of `create` and `alter table … add`, last first. What belongs to a dropped table goes with it. */
function drops(sql: string): string[] {
  const creates = /^create (?:or replace |unique |unlogged )?(table|view|function|index|type|trigger) (\w+)([^;(]*)/gm;
  const created = [...sql.matchAll(creates)].map(([, kind, name, rest = ""]) => {
    const table = kind === "index" || kind === "trigger" ? /\son (\w+)/.exec(rest)?.[1] : undefined;
    return { kind, name, table };
  });
  const tables = new Set(created.filter(({ kind }) => kind === "table").map(({ name }) => name));
  const objects = created
    .filter(({ table }) => !tables.has(table))
    .map(({ kind, name, table }) => `drop ${kind} if exists ${name}${kind === "trigger" ? ` on ${table}` : ""};`);

  const altered = [...sql.matchAll(/^alter table (\w+)([^;]*);/gm)].filter(([, table]) => !tables.has(table));
  const additions = altered.flatMap(([, table, actions = ""]) =>
    [...actions.matchAll(/\badd (column|constraint) (\w+)/g)].map(
      ([, kind, name]) => `alter table ${table} drop ${kind} if exists ${name};`,
    ),
  );
  return [...objects, ...additions].toReversed();
}
