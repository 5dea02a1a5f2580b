import { expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { handler, enqueue, runEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const periodSeconds = 60;

it("a worker lists unknown types in its log once a minute", async () => {
  const database = await createDatabase();
  await enqueue(database.sql, "UNKNOWN");
  const engine = await runEngine(database, { WORK: handler(() => {}) });
  const listed = () => engine.lines.filter(({ msg }) => msg.startsWith("no handler here"));
  await until("they are listed", () => listed().length > 0);
  // A new type appears in the next list.
  await enqueue(database.sql, "LATER");
  await until("they are listed again", () => listed().length > 1, periodSeconds + 10);
  const [first, second] = listed();
  expect([first?.task_types, second?.task_types]).toEqual([["UNKNOWN"], ["LATER", "UNKNOWN"]]);
  expect((Number(second?.time) - Number(first?.time)) / 1000).toBeGreaterThan(periodSeconds - 1);
});
