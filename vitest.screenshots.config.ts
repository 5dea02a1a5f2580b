import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Takes pictures of the pages with the same database and browser as the tests. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/**/screenshots/*.ts"], maxWorkers: 1 } }),
);
