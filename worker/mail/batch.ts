import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Joins the rows of calls that start together into one run, and gives its result to each of them. This costs one
 * statement and one wait for the disk.
 */
export function createBatch<Row, Result>(run: (rows: Row[]) => Promise<Result>): (row: Row) => Promise<Result> {
  let batch: Row[] = [];
  let running: Promise<Result> | undefined;

  async function runBatch(): Promise<Result> {
    await nextTurn();
    const rows = batch;
    [batch, running] = [[], undefined];
    return run(rows);
  }

  return (row) => {
    batch.push(row);
    running ??= runBatch();
    return running;
  };
}
