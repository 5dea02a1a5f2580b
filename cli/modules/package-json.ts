import { z } from "zod";

const names = z.record(z.string(), z.string());

type Names = z.infer<typeof names>;

export type PackageJson = Record<string, unknown> & {
  scripts: Names;
  dependencies: Names;
  devDependencies: Names;
};

/** Keeps the order of the keys. */
export function parsePackage(text = "{}"): PackageJson {
  // A record, because zod moves the known keys of an object to its front.
  const json = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  return {
    ...json,
    scripts: names.parse(json.scripts),
    dependencies: names.parse(json.dependencies),
    devDependencies: names.parse(json.devDependencies),
  };
}

export function printPackage(json: PackageJson): string {
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
