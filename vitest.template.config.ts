import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Changes copies of the project as its docs say, and runs their checks and tests. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/template/**/*.test.ts"], testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
