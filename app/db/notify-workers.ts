import type { Sql } from "./connect.ts";
import { isQuery, watchQueries, type Connection } from "./queries.ts";

const pauseMilliseconds = 10;
const enqueues = /\b(insert into|update) task\b/;

/**
 * Returns the same `sql`, which now notifies idle workers of queries that enqueue a task, at most once in 10 ms. The
 * notification follows its query on the same connection, in a transaction of its own, because commits with NOTIFY wait
 * for each other. A lost notification does no harm: workers poll once a second.
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
    if (!isQuery(notification)) return true;
    // Marked as sent: otherwise `catch` would send it on another connection, too.
    notification.executed = connection !== undefined;
    notification.catch(() => {});
    return connection?.execute(notification) ?? true;
  }

  return watchQueries(sql, (query) => {
    let isNotified = false;
    const { onexecute = () => true } = query.options;
    query.options.onexecute = (connection) => {
      if (isPausing || !enqueues.test(query.string)) return onexecute(connection);
      isNotified = true;
      return notify(connection);
    };

    const { resolve } = query;
    query.resolve = (rows) => {
      resolve(rows);
      if (isNotified || !enqueues.test(query.string)) return;
      if (isPausing) isDue = true;
      else notify();
    };
  });
}
