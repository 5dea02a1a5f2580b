import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/chaos/**", "test/template/**", "test/cluster/**"],
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
