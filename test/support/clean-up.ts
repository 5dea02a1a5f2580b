import { afterAll, onTestFinished } from "vitest";

/** Runs the task after the current test, or after the file when no test runs. A test ignores the hooks of its file. */
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
