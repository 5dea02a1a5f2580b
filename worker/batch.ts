/**
 * Collects what arrives in the same instant, or while the batch before is under way, into one call of `flush`,
 * which answers each item by its place. Of a batch that fails, each item is tried alone, so that one can't hold the others up.
 */
export function batched<Item, Answer>(flush: (items: Item[]) => Promise<Answer[]>): (item: Item) => Promise<Answer> {
  let waiting: { item: Item; resolve: (answer: Answer | Promise<Answer>) => void }[] = [];
  let isFlushing = false;

  async function flushAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const items = batch.map(({ item }) => item);
      const answers = await flush(items).catch(() => undefined);
      batch.forEach(({ item, resolve }, place) => resolve(answers ? answers[place]! : alone(item)));
    }
    isFlushing = false;
  }

  const alone = async (item: Item) => (await flush([item]))[0]!;

  return (item) => {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.push({ item, resolve });
    if (!isFlushing) {
      isFlushing = true;
      setImmediate(() => void flushAll());
    }
    return promise;
  };
}
