import { defineConfig, mergeConfig } from "vitest/config";
import { reasonToSkip } from "./test/support/cluster/programs.ts";
import usual from "./vitest.config.ts";

const isSkipped = Boolean(await reasonToSkip(["pgbouncer"]));

/** The tests of what web and worker do, behind a pgbouncer in transaction mode. A few skip themselves there. */
export default mergeConfig(
  {
    ...usual,
    test: {
      ...usual.test,
      include: isSkipped ? [] : usual.test!.include,
      globalSetup: isSkipped ? [] : "test/support/pgbouncer-setup.ts",
    },
  },
  defineConfig({
    test: {
      passWithNoTests: isSkipped,
      exclude: [
        // LISTEN needs a session.
        "test/db/notify-workers.test.ts",
        // `npm run dev` has a server of its own, without a pooler.
        "test/dev/**",
      ],
    },
  }),
);
