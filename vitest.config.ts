import { globSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** The folders in test/ that have a configuration of their own. */
const folders = globSync("vitest.*.config.ts", { cwd: import.meta.dirname }).map((file) => file.split(".")[1]);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: folders.map((folder) => `test/**/${folder}/**`),
    globalSetup: "test/support/global-setup.ts",
    // Node runs the sources itself, as it does in production.
    experimental: { viteModuleRunner: false },
    // One more than the cores of a small machine, because one process usually waits.
    maxWorkers: 3,
    // Files share processes: loading the sources once saves a sixth of the time. Each file closes what it opens.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
