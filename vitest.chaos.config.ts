import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

// They do not pass each time yet (a storm whose processes need longer to be ready, the time of a forgotten password): they run
// when they are asked for, by a seed.
const unsteady = ["storm", "enumeration"].map((name) => `test/chaos/${name}.test.ts`);
const exclude = process.env.STORM_SEED ? [] : unsteady;

/** What takes longer: faults, big backlogs, timing. One file at a time, so that they don't disturb each other's clocks. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/chaos/**/*.test.ts"], exclude, testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
