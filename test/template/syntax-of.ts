import { stringsIn, visit } from "./parse-statement.ts";

type Node = Record<string, unknown>;

/**
 * The syntax that a tree uses, in words such as `MergeStmt`, `now()`, `::xid8`, `operator:->>`, `using:brin`,
 * `waitPolicy:LockWaitSkip` and `recursive`.
 */
export function syntaxOf(tree: unknown): Set<string> {
  const words = new Set<string>();
  visit(tree, (field, value) => {
    if (/^[A-Z]/.test(field)) for (const word of [field, ...detailsOf(field, value as Node)]) words.add(word);
    if (field === "ctequery") words.add(`ctequery:${Object.keys(value as Node)[0]}`);
    if (field === "accessMethod") words.add(`using:${String(value)}`);
    if (field === "sql_body") words.add("sql_body");
    if (value === true) words.add(field);
    // The names of the parser's enumerations. A constant of the statement is in sval.
    if (typeof value === "string" && field !== "sval" && /^([A-Z]+\d?_[A-Z_]+|LockWait\w+|CTEMat\w+)$/.test(value))
      words.add(`${field}:${value}`);
    const typeName = (value as Node | null)?.["names"];
    if (typeName !== undefined) words.add(`::${lastName(typeName)}`);
  });
  return words;
}

function detailsOf(kind: string, node: Node): string[] {
  switch (kind) {
    case "FuncCall":
      return [`${lastName(node["funcname"])}()`];
    case "A_Expr":
      return [`operator:${lastName(node["name"])}`];
    case "DefElem":
      return [
        node["defname"] === "language" ? `language:${lastName(node["arg"])}` : `option:${String(node["defname"])}`,
      ];
    case "ColumnRef":
      return systemColumns.has(lastName(node["fields"])) ? [`column:${lastName(node["fields"])}`] : [];
    case "RangeVar":
      return String(node["relname"]).startsWith("pg_") ? ["catalog"] : [];
    case "IndexStmt":
      return node["whereClause"] ? ["partial_index"] : [];
    case "IndexElem":
      return node["expr"] ? ["expression_index"] : [];
    default:
      return [];
  }
}

const systemColumns = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

const lastName = (names: unknown) => stringsIn(names).at(-1) ?? "*";

/** The tables that a statement modifies in more than one place. Plain inserts alone do not count. */
export function modifiedTwice(tree: unknown): string[] {
  const changes = new Map<string, boolean[]>();
  visit(tree, (kind, value) => {
    if (!/^(Insert|Update|Delete|Merge)Stmt$/.test(kind)) return;
    const node = value as Node;
    const table = (node["relation"] as { relname: string }).relname;
    const isPlain = kind === "InsertStmt" && !node["onConflictClause"];
    changes.set(table, [...(changes.get(table) ?? []), isPlain]);
  });
  return [...changes].filter(([, plain]) => plain.length > 1 && plain.includes(false)).map(([table]) => table);
}
