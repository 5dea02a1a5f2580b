import { afterAll, onTestFinished } from "vitest";

/** Runs it after the test that asks, or after the file when none is running: a hook of the file is ignored inside a test. */
export function cleanUp(task: () => unknown): void {
  const run = async () => {
    await task();
  };
  try {
    onTestFinished(run);
  } catch {
    afterAll(run);
  }
}
