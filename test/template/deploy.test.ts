import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { blocksOf, copyProject } from "../support/copy.ts";

const run = promisify(execFile);
const hasSystemd = await run("systemd-analyze", ["--version"]).then(
  () => true,
  () => false,
);

it.skipIf(!hasSystemd)("documents a systemd unit with an exposure level below 2", async () => {
  const { folder } = await copyProject();
  const [unit] = await blocksOf("docs/deploy.md", "ini");
  await writeFile(join(folder, "signup@app.service"), unit!.text);
  const { stdout } = await run("systemd-analyze", ["security", "--offline=yes", join(folder, "signup@app.service")]);
  expect(Number(/exposure level.*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
});

it("pins every GitHub action to a commit hash", async () => {
  const workflow = await readFile(".github/workflows/ci.yml", "utf8");
  const actions = workflow.match(/uses: .+/g);
  expect(actions?.length).toBeGreaterThan(0);
  for (const action of actions!) expect(action).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/);
});

it("fails the audit for a known vulnerability but not for an unreachable registry", async () => {
  const server = createServer((request, response) => {
    const isBulk = request.method === "POST" && request.url?.endsWith("/advisories/bulk");
    const advisory = { id: 1, url: "https://example.com", title: "Bad", severity: "high", vulnerable_versions: "*" };
    response.writeHead(isBulk ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isBulk ? { koa: [advisory] } : {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const audit = (registry: string) =>
    run(".ci/audit", { env: { ...process.env, npm_config_registry: registry, npm_config_fetch_retries: "0" } });

  await expect(audit(urlOf(server))).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining("Bad") as string,
  });
  await expect(audit("http://127.0.0.1:1/")).resolves.toMatchObject({
    stderr: expect.stringContaining("nothing was audited") as string,
  });
}, 60_000);

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port.");
  return `http://127.0.0.1:${address.port}/`;
}
