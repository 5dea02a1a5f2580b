import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { startPostgres } from "../dev/postgres.ts";
import { makeScratch } from "../dev/scratch-folder.ts";
import { readArguments } from "./arguments.ts";
import type { Bench } from "./bench.ts";
import { prepareTemplate } from "./support/database.ts";
import { formatReport, writeResults } from "./support/results.ts";

const { chosen, rounds, isQuick, isWriting } = readArguments();

const started = performance.now();
await installPeers();
// Removed even if a signal ends us.
await using scratch = await makeScratch([tmpdir()], "signup-bench-");
const postgres = await startPostgres(scratch.folders[0]!, { durable: true });
await prepareTemplate(postgres);

const bench: Bench = {
  postgres,
  isQuick,
  rounds: isQuick ? 1 : rounds,
  warmUps: isQuick ? 0 : 1,
  size: (full, quick) => (isQuick ? quick : full),
  log: (line) => process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}\n`),
};

for (const { name, title, measure } of chosen) {
  bench.log(name);
  try {
    const report = await measure(bench);
    process.stdout.write(`\n${formatReport(title, report, bench)}\n`);
    if (isWriting) await writeResults(title, report, bench);
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
bench.log("done");

async function installPeers(): Promise<void> {
  const cwd = import.meta.dirname;
  if (existsSync(`${cwd}/node_modules`)) return;

  process.stderr.write("Installing the peers …\n");
  const npm = spawn("npm", ["ci"], { cwd, stdio: ["ignore", 2, 2] });
  await once(npm, "close");
  if (npm.exitCode !== 0) throw new Error("npm ci failed in bench/.");
}
