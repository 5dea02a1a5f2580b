import type { Sql } from "./connect.ts";

const pauseMilliseconds = 10;
const enqueues = /\b(insert into|update) task\b/;

/** What postgres.js does not declare: `string` is the text with its fragments, set when the statement is sent. */
type Statement = Promise<unknown> & {
  string: string;
  executed: boolean;
  options: { onexecute?: (connection: Connection) => boolean };
  resolve: (rows: unknown) => void;
};

/** `execute` returns whether the connection takes further statements before the answer. */
type Connection = { execute: (statement: Statement) => boolean };

/**
 * Returns the same `sql`, but idle workers are notified of each statement that enqueues: right behind it, on its connection, at most
 * once in 10 ms. The notification has a transaction of its own: a commit with NOTIFY takes a lock that all such commits share.
 * A lost notification does no harm: workers look for tasks once a second.
 */
export function notifyWorkers(sql: Sql): Sql {
  let isPausing = false;
  let isDue = false;

  function notify(connection?: Connection): boolean {
    isPausing = true;
    isDue = false;
    setTimeout(() => {
      isPausing = false;
      if (isDue) notify();
    }, pauseMilliseconds).unref();

    const notification: unknown = sql`select pg_notify('task', '')`;
    if (!isStatement(notification)) return true;
    // Without this, `catch` would hand it to another connection of the pool.
    notification.executed = connection !== undefined;
    notification.catch(() => {});
    return connection?.execute(notification) ?? true;
  }

  function watch(statement: Statement): void {
    let isNotified = false;
    // Not called where postgres.js has to ask for the types of parameters first: then the notification follows the answer.
    statement.options.onexecute = (connection) => {
      if (isPausing || !enqueues.test(statement.string)) return true;
      isNotified = true;
      return notify(connection);
    };
    const { resolve } = statement;
    statement.resolve = (rows) => {
      resolve(rows);
      if (isNotified || !enqueues.test(statement.string)) return;
      if (isPausing) isDue = true;
      else notify();
    };
  }

  return new Proxy(sql, {
    apply(target, self, values) {
      const made: unknown = Reflect.apply(target, self, values);
      if (isStatement(made)) watch(made);
      return made;
    },
  });
}

function isStatement(made: unknown): made is Statement {
  return made instanceof Promise;
}
