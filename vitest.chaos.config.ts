import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

// The storm's processes need longer to be ready than it waits: it runs when it is asked for, by a seed.
const exclude = process.env.STORM_SEED ? [] : ["test/chaos/storm.test.ts"];

/** What takes longer: faults, big backlogs, timing. One file at a time, so that they don't disturb each other's clocks. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/chaos/**/*.test.ts"], exclude, testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
