import { hasSqlDetails, loadModule, parsePlPgSQLSync, parseSync } from "libpg-query";
import { hole } from "../support/statements.ts";

await loadModule();

/** What may stand in place of a hole. */
const fills = ["$1", "hole", "select 1", "hole as (select 1)", "delete from hole", "default values", ""];

/** What may stand around a fragment. */
const frames = [
  ["", ""],
  ["select ", ""],
  ["select 1 from ", ""],
  ["with ", " select 1"],
  ["with recursive ", " select 1"],
  ["select 1 from hole for update ", ""],
];

/** The syntax trees of a statement or a fragment, function bodies included. Throws if it is none. */
export function parseStatement(text: string): unknown[] {
  const framed = frames.map(([before, after]) => before + text + after);
  const tree = framed.reduce<unknown>((found, candidate) => found ?? parseWithFills(candidate), undefined);
  if (tree === undefined) throw new Error(`Not SQL: ${text}`);
  return [tree, ...bodiesIn(text, tree).flatMap(parseStatement)];
}

/** Tries another fill for the hole in front of each syntax error. */
function parseWithFills(text: string): unknown {
  const [first = "", ...parts] = text.split(hole);
  const tries = parts.map(() => 0);
  for (;;) {
    let filled = first;
    const starts = parts.map((part, index) => {
      const start = filled.length;
      filled += fills[tries[index]!]! + part;
      return start;
    });
    try {
      return parseSync(filled);
    } catch (error) {
      const position = hasSqlDetails(error) ? error.sqlDetails!.cursorPosition : 0;
      const wrong = starts.findLastIndex((start) => start <= position);
      if (wrong < 0 || tries[wrong] === fills.length - 1) return undefined;
      tries[wrong]! += 1;
    }
  }
}

/** The statements in the bodies of functions that are strings. */
function bodiesIn(text: string, tree: unknown): string[] {
  const bodies: string[] = [];
  const add = (field: string, value: unknown) => {
    if (typeof value === "string" && field === "query") bodies.push(value);
  };
  visit(tree, (field, value) => {
    if (field !== "CreateFunctionStmt") return;
    const language = stringsIn(optionsOf(value, "language"))[0];
    if (language === "plpgsql") visit(parsePlPgSQLSync(text), add);
    else bodies.push(...stringsIn(optionsOf(value, "as")));
  });
  return bodies;
}

/** Calls `see` with each field of each node. */
export function visit(node: unknown, see: (field: string, value: unknown) => void): void {
  if (typeof node !== "object" || node === null) return;
  for (const [field, value] of Object.entries(node)) {
    see(field, value);
    visit(value, see);
  }
}

/** All `String` nodes below a node. */
export function stringsIn(node: unknown): string[] {
  const strings: string[] = [];
  visit(node, (field, value) => {
    if (field === "sval" && typeof value === "string") strings.push(value);
  });
  return strings;
}

function optionsOf(statement: unknown, name: string): unknown[] {
  const options: unknown[] = [];
  visit(statement, (field, value) => {
    if (field === "DefElem" && (value as { defname: string }).defname === name) options.push(value);
  });
  return options;
}
