import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Copy } from "../support/copy.ts";

/** Not in an import here: that would keep it. */
const unused = "stars-package";

const files = {
  "app/stars/module.ts": `
    import "${unused}";
    import { z } from "zod";
    import { defineModule } from "../http/module.ts";
    export const stars = defineModule({ env: { STARS_TOKEN: z.string().optional() }, start: () => ({}) });
  `,
  "worker/stars/module.ts": `
    import { defineModule } from "../module.ts";
    export const stars = defineModule({
      createHandlers: () => ({ COUNT_STARS: {} as never }),
      consumers: [{ name: "stars", consume: async () => {} }],
      schedule: () => [{ name: "count stars", task_type: "COUNT_STARS", every_minutes: 60 }],
    });
  `,
  "worker/moons/module.ts": `
    import { defineModule } from "../module.ts";
    export const moons = defineModule({ requires: ["stars"] });
  `,
  "worker/moons/stars/moon.ts": "export const moon = 1;",
  "views/mail/stars.text.ejs": "Stars",
  "docs/stars.md": "# Stars",
  "cli/stars.ts": "process.stdout.write('stars');",
  "docs/starshine.md": "# Not of the module",
  "migrations/0901_stars.sql": `
create table star (star_id bigint primary key);
-- create table comment_only ();
create table star_seen (star_id bigint references star, usr_id bigint references usr);
create index star_seen_usr on star_seen (usr_id);
create index event_star on event ((data ->> 'star_id'));
create view bright as select star_id from star;
create function shine(star bigint) returns bigint language sql immutable return star;
  `,
  "migrations/0902_stars_rank.sql": `
alter table star add column rank int;
alter table usr
  add column stars int,
  add column favorite bigint constraint usr_favorite references star;
  `,
};

/** Adds a module that has all that a module can have, and one that needs it, and commits. */
export async function addStars(copy: Copy): Promise<void> {
  const { folder } = copy;
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${text.replaceAll(/^ {4}/gm, "").trim()}\n`);
  }
  const change = async (path: string, edit: (text: string) => string) => {
    const text = await readFile(join(folder, path), "utf8");
    await writeFile(join(folder, path), edit(text));
  };
  const line = (name: string) => `export { ${name} } from "./${name}/module.ts";\n`;
  await change("app/modules.ts", (text) => text + line("stars"));
  await change("worker/modules.ts", (text) => text + line("stars") + line("moons"));
  await change("README.md", (text) => `${text}\n${marked("Look at the stars.")}\n\n${table}`);
  await change(".gitignore", (text) => `${text}# begin stars\n*.star\n# end stars\n`);
  await change("app.json", (text) =>
    text.replace(/\n {2}\}\n\}\n$/, ',\n    "STARS_TOKEN": {\n      "value": "1"\n    }$&'),
  );
  await change("package.json", (text) =>
    text
      .replace('"scripts": {', '"scripts": { "stars": "node cli/stars.ts",')
      .replace('"dependencies": {', `"dependencies": { "${unused}": "1.0.0",`),
  );
  await change("package-lock.json", (text) =>
    text
      .replace('"dependencies": {', `"dependencies": { "${unused}": "1.0.0",`)
      .replace('"node_modules/zod"', `"node_modules/${unused}": { "version": "1.0.0" }, "node_modules/zod"`),
  );
  await commit(copy);
}

export async function commit(copy: Copy): Promise<void> {
  await copy.run("git", "add", "-A");
  await copy.run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-qm", "Change");
}

const marked = (text: string) => `<!-- begin stars -->\n\n${text}\n\n<!-- end stars -->`;
const table = "| moons | stars |\n| --- | --- |\n| one | many <!-- stars --> |\n| two | few |\n";
