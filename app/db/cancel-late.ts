import type { PendingQuery, Row, Sql } from "postgres";

/**
 * Cancels each statement that takes longer, so that its backend ends with it. A connection that is merely closed leaves a
 * backend behind that waits for its lock, and the pool opens another one.
 */
export function cancelLate(sql: Sql, seconds: number): Sql {
  return new Proxy(sql, {
    apply(target, self, words: Parameters<Sql>): unknown {
      const query: unknown = Reflect.apply(target, self, words);
      return isQuery(query) ? limitTime(query, seconds) : query;
    },
  });
}

/** `handle` sends it, when it is awaited: before that, it may be a part of another statement. */
type Query = PendingQuery<Row[]> & { handle(): unknown; state: object | null; active: boolean };

const againMilliseconds = 1000;

/** `sql` makes other things, too: lists of columns, of values. */
const isQuery = (made: unknown): made is Query => made instanceof Promise && "cancel" in made && "handle" in made;

function limitTime(query: Query, seconds: number): Query {
  const handle = query.handle.bind(query);
  let timer: NodeJS.Timeout | undefined;
  // One that waits on its connection behind another statement must not be canceled: postgres.js would give it the other's answer.
  const cancel = () => {
    if (query.state && !query.active) timer = setTimeout(cancel, againMilliseconds);
    else void Promise.resolve(query.cancel()).catch(() => {});
  };
  const end = () => clearTimeout(timer);
  return Object.assign(query, {
    handle() {
      if (!timer) {
        timer = setTimeout(cancel, seconds * 1000);
        void Promise.prototype.then.call(query, end, end);
      }
      return handle();
    },
  });
}
