import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Six times what V8 begins with: a batch of tasks fits in and dies there. */
const youngBytes = 12 * 2 ** 20;

/**
 * Keeps the process below 150 MB. Under load V8 would let its young generation grow to 100 MB, for garbage that dies at once
 * anyway. It has no setting for that but on its command line: so it is made to grow once, by objects that stay for a moment,
 * and never again. To be called first: V8 does not give back what it has grown to.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=20");
  setFlagsFromString("--semi-space-growth-factor=8");
  const staying: object[] = [];
  while (youngGeneration() < youngBytes && staying.length < 500_000) {
    for (let count = 0; count < 5000; count += 1) staying.push({ count });
  }
  setFlagsFromString("--semi-space-growth-factor=1");
}

const youngGeneration = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? youngBytes;
