import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/chaos/**"],
    globalSetup: "test/support/global-setup.ts",
    // Node runs the sources itself, as it does in production.
    experimental: { viteModuleRunner: false },
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
