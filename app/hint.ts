import type { Sql } from "./db.ts";

const pauseMilliseconds = 10;

/**
 * Returns a function that tells idle workers that a task was committed; at most one hint in 10 ms.
 * Not in the visitor's own transaction: a commit with NOTIFY takes a lock that all such commits share.
 * A hint may get lost, with no harm: workers look by themselves within a second.
 */
export function createHint(sql: Sql): () => void {
  let isWaiting = false;
  let isDue = false;

  const send = () => {
    isWaiting = true;
    isDue = false;
    sql`select pg_notify('task', '')`.catch(() => {});
    setTimeout(() => {
      isWaiting = false;
      if (isDue) send();
    }, pauseMilliseconds).unref();
  };
  return () => {
    isDue = true;
    if (!isWaiting) send();
  };
}
