import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Applies the changes in the docs to copies of the project, and runs their checks and tests. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["test/template/*.test.ts"], testTimeout: 300_000, maxWorkers: 1, isolate: true },
  }),
);
