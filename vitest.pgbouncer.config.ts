import { defineConfig, mergeConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** The tests of what web and worker do, behind a pgbouncer in transaction mode. */
export default mergeConfig(
  { ...usual, test: { ...usual.test, globalSetup: "test/support/pgbouncer-setup.ts" } },
  defineConfig({
    test: {
      exclude: [
        // Notifications need a session of their own.
        "test/db/notify-workers.test.ts",
        "test/engine/wake-up.test.ts",
        // These look at single connections of the server.
        "test/db/connect.test.ts",
        "test/engine/heartbeat.test.ts",
        "test/dev/**",
        "test/docs.test.ts",
      ],
    },
  }),
);
