import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Takes the README's screenshots with the same database and browser as the tests. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/**/screenshots/*.ts"], maxWorkers: 1 } }),
);
