import type * as fc from "fast-check";
import type { Sql } from "../../../app/db/connect.ts";
import { expectAsModelled } from "./compare.ts";
import { note, type Model } from "./model.ts";

/** Applies a step to the database and the model, then compares all tables with the model. */
export function step(
  name: string,
  words: unknown[],
  apply: (model: Model, sql: Sql) => Promise<void>,
): fc.AsyncCommand<Model, Sql> {
  return {
    check: () => true,
    async run(model, sql) {
      note(model, name);
      await apply(model, sql);
      await expectAsModelled(sql, model);
    },
    toString: () => `${name}(${JSON.stringify(words).slice(1, -1)})`,
  };
}
