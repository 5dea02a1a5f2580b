import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Postgres under Patroni, and faults of it. The files run one by one: each starts a cluster of its own. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ["test/cluster/**/*.test.ts"],
      testTimeout: 600_000,
      hookTimeout: 120_000,
      maxWorkers: 1,
      isolate: true,
    },
  }),
);
