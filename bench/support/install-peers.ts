import { spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../", import.meta.url));

/** Installs what we compare with, unless it is there. */
export async function installPeers(): Promise<void> {
  const isThere = await access(`${folder}node_modules`).then(
    () => true,
    () => false,
  );
  if (isThere) return;

  process.stderr.write("Installing the peers …\n");
  const child = spawn("npm", ["ci"], { cwd: folder, stdio: ["ignore", 2, 2] });
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error("npm ci failed in bench/.");
}
