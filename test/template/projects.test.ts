import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../dev/postgres.ts";
import { readFiles, type Files } from "../../cli/modules/files.ts";
import { belongsTo, findNeed, moduleNames } from "../../cli/modules/registered.ts";
import { copyProject, type Copy } from "../support/copy.ts";
import { endWithRun } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** What must be in no file of a project that was made without the module. */
const words: Record<string, RegExp> = {
  ops: /\boperators?\b|operations page|(?<![\w/])\/(ops|metrics)\b|npm run tasks|METRICS_TOKEN|prom-client/i,
  webhooks: /webhook/i,
  digest: /(?<![.\w])digests?\b(?! ?[(=])|TZ_OPS/i,
  passkeys: /passkey|webauthn/i,
  template: /slim.?signup|npm run new|test:template/i,
};

/** They name the template's authors, and what was measured. */
const ofTemplate = new Set(["LICENSE", "bench/results.md"]);

const all = moduleNames(readFiles("."));

/** A module, and those that need it. */
function withThoseThatNeed(name: string): string[] {
  const files = readFiles(".");
  const gone = [name];
  for (let need = findNeed(files, gone); need !== undefined; need = findNeed(files, gone)) gone.push(need.name);
  return gone;
}

const pair = ["webhooks", "digest"];
const few = [all, pair];
/** `.ci/run` makes two of them. */
const cases = process.env.PROJECTS === "few" ? few : [...few, [], ...all.map(withThoseThatNeed)];

let template: Copy;
let parent: string;
beforeAll(async () => {
  template = await copyProject();
  parent = await mkdtemp(join(tmpdir(), "projects-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

describe.each(cases.map((without) => ({ without })))("a new project without $without", ({ without }) => {
  const name = `pear-${cases.indexOf(without)}`;
  const inProject = (...command: string[]) => template.run("env", "-C", join(parent, name), ...command);
  let files: Files;
  beforeAll(async () => {
    const target = join(parent, name);
    const left = without.length === all.length ? ["--core"] : ["--without", without.join(",")];
    await template.run("node", "cli/template/new.ts", target, ...left);
    files = readFiles(target);
  });
  afterAll(() => rm(join(parent, name), { recursive: true, force: true }));

  it("has no file and no word of what was left out", () => {
    for (const gone of ["template", ...without]) {
      expect([...files.keys()].filter((path) => belongsTo(path, gone))).toEqual([]);
      const word = words[gone] ?? new RegExp(gone, "i");
      const lines = [...files].filter(([path]) => !ofTemplate.has(path)).flatMap(numberLines);
      // Addresses of other sites may have it.
      expect(lines.filter((line) => word.test(line.replaceAll(/https:\S+/g, "")))).toEqual([]);
    }
    const code = [...files].filter(([path]) => /^(app|worker)\/.*\.ts$/.test(path)).map(([, text]) => text);
    console.log(
      `${code.join("").split("\n").length} lines in app and worker without ${without.join(", ") || "nothing"}`,
    );
  });

  it("installs, and passes its checks and its whole suite", { timeout: 900_000 }, async () => {
    await inProject("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund");
    await inProject("npm", "run", "check");
    expect(await inProject("npm", "test")).toMatch(/Tests .*\d+ passed/);
    expect(await inProject("git", "status", "--porcelain")).toBe("");
  });

  it("shows the mail of a signup in the inbox of npm run dev, and stops whole", { timeout: 120_000 }, async () => {
    const origin = `http://localhost:${await freePort()}`;
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: new URL(origin).port };
    const cwd = join(parent, name);
    // A group of its own, as in a terminal: Ctrl-C reaches all its processes.
    const dev = spawn("npm", ["run", "dev"], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    endWithRun(dev);
    const exited = once(dev, "exit");
    let output = "";
    for (const stream of [dev.stdout, dev.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
    await until("it is up", () => output.includes("Inbox ") || dev.exitCode !== null, 60);

    const body = new URLSearchParams({ email: "ada@example.com", password: "a long enough secret" });
    expect(await fetch(`${origin}/signup`, { method: "POST", body })).toMatchObject({ status: 200 });
    const inbox = async () => (await fetch(`${origin}/dev/mailbox`)).text();
    await until("the mail is there", async () => (await inbox()).includes(`Welcome to ${name}`), 30);
    process.kill(-dev.pid!, "SIGINT");
    await exited;
    await until("nothing is left", async () => (await processesIn(cwd)).length === 0);
  });
});

function numberLines([path, text]: [string, string]): string[] {
  // A released migration is never edited, not even its comments.
  const searched = path.endsWith(".sql") ? text.replaceAll(/--.*/g, "") : text;
  return searched.split("\n").map((line, index) => `${path}:${index + 1}: ${line}`);
}

/** The processes that run in the folder, as Linux lists them. */
async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir("/proc").catch(() => [])).filter((id) => /^\d+$/.test(id));
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => "")));
  return ids.filter((_, index) => folders[index]!.startsWith(folder));
}
