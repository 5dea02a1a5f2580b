import { parseArgs } from "node:util";
import { measurements } from "./measurements.ts";

const usage = `npm run bench -- [--only name,name] [--rounds n] [--quick] [--long] [--write]

Measures this project beside its peers, on a Postgres of its own, in turn.

  --only    some measurements: ${measurements.map(({ name }) => name).join(", ")}
  --quick   small sizes, one round: only to see that everything works, within 100 s on a quiet machine; judges no time
  --long    adds what takes ten minutes: ${measurements.flatMap(({ name, isLong }) => (isLong ? [name] : [])).join(", ")}
  --rounds  how many are counted, after one that is not; 5 when left out
  --write   keeps what was measured in bench/results.md, in the place of what stood there
  --help    prints this
`;

/** What the command line asks for. Says what is wrong with it and exits 2. */
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
  if (values.quick && values.write) refuse("A quick run measures nothing that is worth to be kept.");
  const rounds = Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) refuse("--rounds takes a whole number.");
  if (rounds < 5 && values.write) refuse("Fewer than 5 rounds are not worth to be kept.");
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
