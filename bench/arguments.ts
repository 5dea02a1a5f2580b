import { parseArgs } from "node:util";
import { projectName } from "../app/env.ts";
import { measurements } from "./measurements.ts";

const usage = `npm run bench -- [--only name,name] [--rounds n] [--quick] [--long] [--write]

Measures ${projectName} beside its peers in turn, on a Postgres of its own.

  --only    these measurements only: ${measurements.map(({ name }) => name).join(", ")}
  --quick   small sizes and one round, within 100 s on a quiet machine: shows that everything works, judges no time
  --long    adds measurements of ten minutes: ${measurements.flatMap(({ name, isLong }) => (isLong ? [name] : [])).join(", ")}
  --rounds  counted rounds, after one that does not count; default 5
  --write   replaces the results in bench/results.md
  --help    prints this
`;

/** Reads the command line. Prints what is wrong with it and exits 2. */
export function readArguments() {
  const { values } = parse();
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const included = measurements.filter(({ isLong = false }) => values.long || values.quick || !isLong);
  const names = values.only?.split(",") ?? included.map(({ name }) => name);
  const unknown = names.filter((wanted) => !measurements.some(({ name }) => name === wanted));
  if (unknown.length > 0) refuse(`There is no measurement ${unknown.join(", ")}.`);
  const rounds = Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) refuse("--rounds must be a whole number.");
  if (values.write && (values.quick || rounds < 5)) refuse("--write needs 5 rounds or more, and no --quick.");
  return {
    rounds,
    chosen: measurements.filter(({ name }) => names.includes(name)),
    isQuick: values.quick,
    isWriting: values.write,
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        only: { type: "string" },
        rounds: { type: "string", default: "5" },
        long: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n\n${usage}`);
  process.exit(2);
}
