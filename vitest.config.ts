import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/chaos/**", "test/template/**"],
    globalSetup: "test/support/global-setup.ts",
    // Node runs the sources itself, as it does in production.
    experimental: { viteModuleRunner: false },
    // One more than the cores of a small machine: there is always one that waits.
    maxWorkers: 3,
    // Files share a process each with the next: what they open they close, and loading the sources once saves a sixth of the time.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
