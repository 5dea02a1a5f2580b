import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { createDatabase } from "../support/database.ts";
import { runWeb } from "../support/web.ts";

it("needs less than 150 MB when it idles", async () => {
  const { web, url } = await runWeb((await createDatabase()).url);
  await fetch(`${url}/readyz`);
  const kilobytes = execFileSync("ps", ["-o", "rss=", "-p", String(web.child.pid)], { encoding: "utf8" });
  expect(Number(kilobytes) / 1024).toBeLessThan(150);
});
