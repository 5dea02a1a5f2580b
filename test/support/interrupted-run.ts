import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { startPostgres } from "../../dev/postgres.ts";
import { makeScratch } from "../../dev/scratch-folder.ts";

// A run with a server, a frozen child, and folders, to be ended by a signal. Prints the child's pid and the folders.

const scratch = await makeScratch([tmpdir(), tmpdir()], "signup-interrupted-");
const [first, second] = scratch.folders as [string, string];
process.env.TMPDIR = second;
const { endWithRun } = await import("./processes.ts");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
await once(child, "spawn");
endWithRun(child);
child.kill("SIGSTOP");
await startPostgres(first, { durable: false });
process.stdout.write(`${JSON.stringify({ pid: child.pid, folders: scratch.folders })}\n`);
