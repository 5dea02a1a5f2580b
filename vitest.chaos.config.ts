import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

// These measure time, memory or buffers. A test beside them would disturb them.
const measured = [
  "claim-cost",
  "enumeration",
  "event-months",
  "failover",
  "frozen-finish",
  "held-snapshot",
  "memory",
  "outage",
  "overview-cost",
  "sizes",
  "timing",
].map((name) => `test/**/chaos/${name}.test.ts`);

/** Long tests: faults, big backlogs, timing. First the measured ones, one by one. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      testTimeout: 300_000,
      isolate: true,
      projects: [
        { test: { name: "measured", include: measured, maxWorkers: 1, sequence: { groupOrder: 1 } } },
        {
          test: {
            name: "faults",
            include: ["test/**/chaos/**/*.test.ts"],
            exclude: measured,
            // They wait for most of their time.
            maxWorkers: 3,
            sequence: { groupOrder: 2 },
          },
        },
      ],
    },
  }),
);
