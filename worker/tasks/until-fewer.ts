/** Repeats a statement that changes at most `batch` rows: none keeps its locks and its snapshot for long. */
export async function untilFewer(
  batch: number,
  signal: AbortSignal,
  statement: () => Promise<{ count: number }>,
): Promise<void> {
  let count = batch;
  while (count === batch) {
    signal.throwIfAborted();
    ({ count } = await statement());
  }
}
