/**
 * Arrays of the built-in types, for `types` of postgres.js. By default, the library asks each new connection for them.
 * If that connection is lost, the uncaught error ends the process (porsager/postgres#1192).
 */
export const arrayTypes = {
  bool: arrayOf(1000, (text) => text === "t"),
  smallint: arrayOf(1005, Number),
  int: arrayOf(1007, Number),
  text: arrayOf(1009, String),
  bigint: arrayOf(1016, String),
  real: arrayOf(1021, Number),
  float8: arrayOf(1022, Number),
  time: arrayOf(1183, String),
  timestamptz: arrayOf(1185, (text) => new Date(text)),
  uuid: arrayOf(2951, String),
  jsonb: arrayOf(3807, (text) => JSON.parse(text) as unknown),
};

function arrayOf<Item>(oid: number, read: (text: string) => Item) {
  return {
    to: oid,
    from: [oid],
    serialize,
    parse: (text: string) => parse(text).map((item) => (item === null ? null : read(item))),
  };
}

type Item = string | number | bigint | boolean | object;

/** `{"one","t\"wo",null}` */
function serialize(items: unknown): string {
  if (!Array.isArray(items)) return String(items);
  return `{${items.map((item: Item | null) => (item === null ? "null" : quote(textOf(item)))).join(",")}}`;
}

function textOf(item: Item): string {
  if (item instanceof Date) return item.toISOString();
  return typeof item === "object" ? JSON.stringify(item) : String(item);
}

const quote = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

/** Arrays of one dimension. */
function parse(text: string): (string | null)[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},"]+)/gs)].map(([, quoted, bare]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, "$1");
    return bare === undefined || bare === "NULL" ? null : bare;
  });
}
