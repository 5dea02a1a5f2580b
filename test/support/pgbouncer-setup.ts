import type { TestProject } from "vitest/node";
import setUpServer from "./global-setup.ts";
import { startPgbouncer } from "./pgbouncer.ts";

/** The server of all tests, with a pgbouncer before it that the databases of the tests are reached through. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let serverUrl = "";
  const provide: TestProject["provide"] = (key, value) => {
    if (key === "serverUrl") serverUrl = String(value);
    project.provide(key, value);
  };
  const stopServer = await setUpServer({ provide });
  const { url, stop } = await startPgbouncer(serverUrl, 20);
  project.provide("poolerUrl", url);
  return async () => {
    await stop();
    await stopServer();
  };
}
