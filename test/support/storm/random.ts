export type Random = {
  /** A number from `least` up to `most`. */
  between(least: number, most: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** True with this probability. */
  chance(share: number): boolean;
  /** Draws items in random order: each comes once before any comes again. */
  deck<Item>(items: readonly Item[]): () => Item;
};

/** The same numbers for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  function deck<Item>(items: readonly Item[]): () => Item {
    let left: Item[] = [];
    return () => {
      if (left.length === 0) left = [...items];
      return left.splice(Math.floor(between(0, left.length)), 1)[0]!;
    };
  }

  const between = (least: number, most: number) => least + next() * (most - least);
  return {
    between,
    pick: (items) => items[Math.floor(between(0, items.length))]!,
    chance: (share) => next() < share,
    deck,
  };
}
