import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Not a test: takes the pictures of the README, on the same real database and browser. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/**/screenshots/*.ts"], maxWorkers: 1 } }),
);
