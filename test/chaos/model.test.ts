import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { join } from "../../worker/engine/session.ts";
import { createDatabase, empty } from "../support/database.ts";
import type { Model } from "../support/model/model.ts";
import { steps } from "../support/model/steps.ts";

// Runs the engine's statements in any order and by any worker, and compares the tables with a model made of maps.

const { sql } = await createDatabase();

it("matches the model after every step, in any order and by any worker", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const reached = new Map<string, number>();
  const commands = fc.commands(steps, { maxCommands: 100, size: "max" });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      await empty(sql);
      const workers = await Promise.all(
        [0, 1, 2].map(async (who) => {
          const id = randomUUID();
          await join(sql, { worker_id: id, host: "model", pid: who, leaseSeconds: 60 });
          return { id, running: [], lanes: [] };
        }),
      );
      const model: Model = {
        tasks: new Map(),
        dead: new Map(),
        errors: new Map(),
        sessions: new Map(workers.map(({ id }) => [id, { isSilent: false }])),
        workers,
        reached,
      };
      await fc.asyncModelRun(() => ({ model, real: sql }), commands);
    }),
    { seed, numRuns: 300 },
  );
  console.log(`seed ${seed}`, Object.fromEntries(reached));
  expect([...reached.values()].filter((times) => times > 0)).toHaveLength(14);
});
