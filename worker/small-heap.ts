import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Six times V8's initial size: enough for a batch of tasks to live and die in. */
const youngBytes = 12 * 2 ** 20;

/**
 * Keeps the process below 150 MB. Under load, V8 would grow its young generation to 100 MB, for garbage that dies at
 * once. Only the command line can set its size. So we keep objects for a moment to let it grow once, and then forbid
 * growth. Call this first, because V8 does not shrink it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=20");
  setFlagsFromString("--semi-space-growth-factor=8");
  const held: object[] = [];
  while (youngGeneration() < youngBytes && held.length < 500_000) {
    for (let count = 0; count < 5000; count += 1) held.push({ count });
  }
  setFlagsFromString("--semi-space-growth-factor=1");
}

const youngGeneration = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? youngBytes;
