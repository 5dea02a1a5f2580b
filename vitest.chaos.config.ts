import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Long tests: faults, big backlogs, timing. They run one by one: they would disturb each other's measurements. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/**/chaos/**/*.test.ts"], testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
