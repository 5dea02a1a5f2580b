import type { PendingQuery, Row, Sql } from "postgres";

/**
 * A query of postgres.js, with fields that the library does not document. Its version is pinned, and test/db fails
 * when one of them changes.
 */
export type Query = PendingQuery<Row[]> & {
  /** The text with its fragments, set when the query is sent. */
  string: string;
  /** The text around the parameters, and the parameters. They are read when the query is sent. */
  strings: TemplateStringsArray;
  args: unknown[];
  /** Set when the query was canceled: it is not sent then. */
  cancelled: unknown;
  /** Set once the query is on a connection: what the server told it about its backend. */
  state: { pid: number } | null;
  /** Whether the connection is reading the response to this query. */
  active: boolean;
  /** Whether `handle` was called. */
  executed: boolean;
  /** `onexecute` is called after the query is written to a connection, unless its parameters have unknown types. */
  options: { onexecute?: (connection: Connection) => boolean };
  /** Called when the query is awaited; before that it may still become a fragment of another one. */
  handle: () => unknown;
  resolve: (rows: unknown) => void;
  reject: (error: unknown) => void;
  /** Hands the query to the pool. */
  handler: (query: Query) => void;
  /** Cancels the query in the database. Opens the socket for that before it returns. */
  canceller: ((query: Query) => Promise<void>) | null;
};

/** `execute` returns whether the connection takes further queries before the response. */
export type Connection = { execute: (query: Query) => boolean };

/** Returns the same `sql`, and calls `watch` with each query that it makes, before the query is sent. */
export function watchQueries(sql: Sql, watch: (query: Query) => void): Sql {
  return new Proxy(sql, {
    apply(target, self, values: Parameters<Sql>): unknown {
      const made: unknown = Reflect.apply(target, self, values);
      if (isQuery(made)) watch(made);
      return made;
    },
  });
}

/** `sql` also makes lists of columns and of values. */
export function isQuery(made: unknown): made is Query {
  return made instanceof Promise && "handle" in made;
}
