import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { startPostgres } from "../dev/postgres.ts";
import { readArguments } from "./arguments.ts";
import type { Bench } from "./bench.ts";
import { prepareTemplate } from "./support/database.ts";
import { installPeers } from "./support/install-peers.ts";
import { formatReport, writeResults } from "./support/results.ts";

const { chosen, rounds, isQuick, isWriting } = readArguments();

const started = performance.now();
let isStopping = false;
await using parts = new AsyncDisposableStack();
process.once("SIGINT", () => stop(130)).once("SIGTERM", () => stop(143));
process.on("uncaughtException", (error) => {
  if (!isStopping) process.stderr.write(`${error.stack}\n`);
  stop(1);
});

await installPeers();
const folder = await mkdtemp(`${tmpdir()}/slim-signup-bench-`);
parts.defer(() => rm(folder, { recursive: true, force: true }));
const postgres = await startPostgres(folder, { durable: true });
parts.defer(() => postgres.stop());
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

/** Leaves no server and no folder behind; the measured processes end with us. */
function stop(exitCode: number): void {
  if (isStopping) return;
  isStopping = true;
  void parts.disposeAsync().finally(() => process.exit(exitCode));
}
