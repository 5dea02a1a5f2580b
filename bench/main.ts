import { tmpdir } from "node:os";
import { startPostgres } from "../dev/postgres.ts";
import { makeScratch } from "../dev/scratch-folder.ts";
import { readArguments } from "./arguments.ts";
import type { Bench } from "./bench.ts";
import { prepareTemplate } from "./support/database.ts";
import { installPeers } from "./support/install-peers.ts";
import { formatReport, writeResults } from "./support/results.ts";

const { chosen, rounds, isQuick, isWriting } = readArguments();

const started = performance.now();
await installPeers();
// A signal may end us at any moment; what we leave is removed by it.
await using scratch = await makeScratch([tmpdir()], "slim-signup-bench-");
const postgres = await startPostgres(scratch.folders[0]!, { durable: true });
await prepareTemplate(postgres);

const bench: Bench = {
  postgres,
  isQuick,
  rounds: isQuick ? 1 : rounds,
  warmUps: isQuick ? 0 : 1,
  size: (full, quick) => (isQuick ? quick : full),
  say: (line) => process.stderr.write(`${seconds().padStart(7)} s  ${line}\n`),
};

for (const { name, title, measure } of chosen) {
  bench.say(name);
  try {
    const report = await measure(bench);
    process.stdout.write(`\n${formatReport(title, report, bench)}\n`);
    if (isWriting) await writeResults(title, report, bench);
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
bench.say("done");

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
