import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** What takes longer: faults, big backlogs, timing. One file at a time, so that they don't disturb each other's clocks. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/**/chaos/**/*.test.ts"], testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
