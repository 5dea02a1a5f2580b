/** The value in the middle, or halfway between the two there. */
export function median(values: number[]): number {
  const negated = values.map((value) => -value);
  return (percentile(values, 50) - percentile(negated, 50)) / 2;
}

/** The smallest value that `percent` of all values do not exceed. */
export function percentile(values: number[], percent: number): number {
  if (values.length === 0) throw new Error("A percentile needs values.");
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]!;
}

/** `1,234`, `12.3` or `0.45`. */
export function readable(value: number): string {
  const digits = [100, 10, 0].findIndex((limit) => Math.abs(value) >= limit);
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `median (lowest–highest)` */
export function spread(values: number[]): string {
  if (values.length === 1) return readable(values[0]!);
  return `${readable(median(values))} (${readable(Math.min(...values))}–${readable(Math.max(...values))})`;
}
