import { appendFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFiles } from "../../cli/modules/files.ts";
import { moduleNames } from "../../cli/modules/registered.ts";
import { blocksOf, copyProject, type Copy } from "../support/copy.ts";

const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
let template: Copy;
let project: string;
beforeAll(async () => {
  template = await copyProject();
  project = join(dirname(template.folder), "my-app");
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** Runs the commands of the page below the heading, with npm's own as they are in package.json. */
async function follow(heading: string, number = 0, edit = (text: string) => text): Promise<string> {
  const blocks = (await blocksOf("docs/upgrading.md", "sh")).filter((block) => block.heading === heading);
  const commands = edit(blocks[number]!.text);
  const isOfProject = !commands.includes("npm run upgrade");
  // Installing and testing is the part of projects.test.ts.
  const quick = commands.replaceAll(/^(npm (ci|test|run check)|git pull)$/gm, ":");
  const settings = "export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@x";
  const place = isOfProject ? project : template.folder;
  const placed = quick.replace("../template", template.folder);
  return template.run("bash", "-ec", `cd ${place}\n${settings}\n${placed}`);
}

const git = (...words: string[]) => template.run("git", "-C", project, ...identity, ...words);
const edit = async (path: string, change: (text: string) => string) =>
  writeFile(path, change(await readFile(path, "utf8")));
const commit = async (where: string) => {
  await template.run("git", "-C", where, "add", "-A");
  await template.run("git", "-C", where, ...identity, "commit", "-qm", "Change");
};
const noConflict = async () => {
  expect(await git("status", "--porcelain")).toBe("");
  expect(await git("grep", "-l", "^<<<<<<<").catch(() => "")).toBe("");
};

// The tests share one project, in their order.
describe("docs/upgrading.md", () => {
  const left = moduleNames(readFiles(".")).filter((name) => name !== "ops");

  it("brings what is new in the template to a changed project, without a conflict", async () => {
    await template.run("node", "cli/template/new.ts", project, "--without", left.join(","));
    await writeFile(join(project, "app/account/greet.ts"), "export const greeting = 1;\n");
    await edit(join(project, "app/routes.ts"), (text) =>
      text.replace(/^import/m, 'import "./account/greet.ts";\nimport'),
    );
    await edit(join(project, "README.md"), (text) => text.replace("Say here what it is for.", "It sells pears."));
    await edit(join(project, "LICENSE"), (text) => text.replace("YEAR YOUR NAME", "2027 Ann"));
    await writeFile(join(project, "migrations/0100_pears.sql"), "create table pear ();\n");
    await commit(project);

    const at = (path: string) => join(template.folder, path);
    await appendFile(at("app/token.ts"), "\nexport const fixed = true;\n");
    await appendFile(at("docs/tasks.md"), "\nA new sentence of slim-signup.\n");
    await appendFile(at("worker/webhooks/module.ts"), "\nexport const ofWebhooks = true;\n");
    await appendFile(at("app/ops/module.ts"), "\nexport const ofOps = true;\n");
    await writeFile(at("migrations/0101_new.sql"), "create table new ();\n");
    await commit(template.folder);
    expect(await follow("Upgrade")).toContain("git merge template");
    expect(await git("status", "--porcelain", "--branch")).toBe("## main\n");
    await follow("Upgrade", 1);

    await noConflict();
    const files = readFiles(project);
    expect(files.get("app/token.ts")).toContain("export const fixed");
    expect(files.get("docs/tasks.md")).toContain("A new sentence of my-app.");
    expect(files.get("app/ops/module.ts")).toContain("export const ofOps");
    expect(files.get("README.md")).toContain("It sells pears.");
    expect(files.get("app/routes.ts")).toContain("./account/greet.ts");
    expect(files.get("LICENSE")).toContain("Copyright (c) 2027 Ann");
    expect(files.has("migrations/0101_new.sql")).toBe(true);
    expect(files.has("worker/webhooks/module.ts")).toBe(false);
    await mkdir(join(project, ".git/info"));
    await writeFile(join(project, ".git/info/exclude"), "node_modules\n");
    await symlink(join(template.folder, "node_modules"), join(project, "node_modules"));
    expect(await template.run("tsc", "--noEmit", "--project", project)).toBe("");
  });

  it("has nothing to bring the second time", async () => {
    expect(await follow("Upgrade")).toContain("Nothing is new for my-app.");
    // As `| head -1` closes it.
    const errors = await template.run("bash", "-c", `exec 3>&1; node cli/template/upgrade.ts ${project} 2>&3 | true`);
    expect(errors).toBe("");
  });

  it("says that an upgrade waits to be merged", async () => {
    await git("checkout", "-q", "-B", "before", "template^");
    expect(await follow("Upgrade")).toContain("The branch template of my-app waits to be merged. ");
    await git("checkout", "-q", "main");
  });

  it("never takes a commit of the owner for a generated one", async () => {
    const tip = (await git("rev-parse", "template")).trim();
    const refused = (sentence: string) =>
      expect(follow("Upgrade")).rejects.toMatchObject({
        cause: { code: 2, stderr: expect.stringContaining(sentence) as string },
      });
    await git("checkout", "-q", "template");
    await refused("Switch to another branch: template is checked out in ");
    await git("commit", "-q", "--allow-empty", "-m", "Template: reword the welcome mail");
    await git("checkout", "-q", "main");
    await refused("The branch template has a commit of your own: move it to another branch.");

    await git("branch", "-q", "-D", "template");
    // A squash keeps the line of the generated commit.
    await git("commit", "-q", "--allow-empty", "-m", `Upgrade my-app\n\nTemplate: ${tip}`);
    await refused("Fetch the branch template first: git fetch origin template:template.");
    await git("reset", "-q", "--hard", "HEAD^");
    await git("branch", "template", tip);
  });

  it("takes one fix", async () => {
    await appendFile(join(template.folder, "app/log.ts"), "\nexport const picked = true;\n");
    await commit(template.folder);
    const fix = (await template.run("git", "rev-parse", "HEAD")).trim();
    await follow("Take one fix", 0, (text) => text.replace("COMMIT", fix));
    await noConflict();
    expect(readFiles(project).get("app/log.ts")).toContain("picked");
  });

  it("follows a module that the project has removed, and adds one", async () => {
    // As in a new clone.
    await git("update-ref", "refs/remotes/origin/template", "template");
    await git("branch", "-q", "-D", "template");
    await template.run("node", join(project, "cli/remove.ts"), "ops");
    await commit(project);
    await expect(follow("Add a module", 0, (text) => text.replace("NAME", "ops"))).rejects.toThrow(
      "Upgrade without --add and merge template first.",
    );
    await follow("Upgrade");
    await follow("Upgrade", 1);
    await noConflict();
    expect(moduleNames(readFiles(project))).toEqual([]);

    await follow("Add a module", 0, (text) => text.replace("NAME", "ops"));
    await follow("Upgrade", 1);
    await noConflict();
    expect(moduleNames(readFiles(project))).toEqual(["ops"]);
    expect(await template.run("tsc", "--noEmit", "--project", project)).toBe("");
  });

  it.each([
    ["Brings what is new"],
    ["Brings what is new", "$", "--force"],
    ["is not a project that npm run new has made.", "/tmp"],
    ["Fetch the branch template first: git fetch origin template:template.", "."],
    ['There is no module "comets".', "$", "--add", "comets"],
    ["digest needs ops: add ops, too.", "$", "--add", "digest"],
  ])('says "%s" for %j %j %j', async (sentence, ...words) => {
    if (words.includes("digest")) await git("reset", "-q", "--hard", "template^");
    const cause = { code: 2, stderr: expect.stringContaining(sentence) as string };
    const run = template.run("node", "cli/template/upgrade.ts", ...words.map((word) => word.replace("$", project)));
    await expect(run).rejects.toMatchObject({ cause });
  });
});
