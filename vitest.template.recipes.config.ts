import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** Runs the test of one recipe, in the copy to which its diff was applied. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/template/recipes/*.test.ts"] } }),
);
