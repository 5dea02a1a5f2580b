import type { Bench, Table } from "../bench.ts";
import { median, readable, spread } from "./statistics.ts";

export type Figures = Record<string, number>;

export type Contender = {
  name: string;
  /** Connections, batches, sizes. */
  setting: string;
  /** Whether a figure may be negative. */
  isSigned?: boolean;
  run: () => Promise<Figures>;
};

type Series = Map<string, number[]>;

export type Results = {
  /** The median of a contender's figure. */
  median(contender: string, figure: string): number;
  /** A contender's figure divided by a peer's: computed in each round, then the median. */
  ratio(figure: string, contender: string, peer: string): number;
  /** A row for each contender; with `compared`, a last column divides that one's first figure by each. */
  table(labels: Record<string, string>, compared?: string): Table;
};

/** Runs the contenders in turn, round by round, so that a noisy minute affects all of them. */
export async function compete(bench: Bench, contenders: Contender[]): Promise<Results> {
  const series = new Map<string, Series>(contenders.map(({ name }) => [name, new Map<string, number[]>()]));

  for (let round = 1 - bench.warmUps; round <= bench.rounds; round += 1) {
    for (const { name, isSigned = false, run } of contenders) {
      const figures = await run();
      refuseImpossible(name, figures, isSigned);
      const text = Object.entries(figures).map(([figure, value]) => `${figure} ${readable(value)}`);
      bench.log(`${round === 0 ? "warm-up" : `round ${round}/${bench.rounds}`}  ${name}: ${text.join(", ")}`);
      if (round > 0) add(series.get(name)!, figures);
    }
  }
  return results(contenders, series);
}

function refuseImpossible(name: string, figures: Figures, isSigned: boolean): void {
  for (const [figure, value] of Object.entries(figures)) {
    if (!(Number.isFinite(value) && (isSigned || value > 0))) throw new Error(`${name}: ${figure} is ${value}.`);
  }
}

function add(series: Series, figures: Figures): void {
  for (const [figure, value] of Object.entries(figures)) series.set(figure, [...(series.get(figure) ?? []), value]);
}

function results(contenders: Contender[], series: Map<string, Series>): Results {
  const values = (name: string, figure: string) => series.get(name)?.get(figure) ?? [];
  // Within a round, both had the same noise.
  const ratio = (figure: string, contender: string, peer: string) =>
    median(values(contender, figure).map((value, round) => value / values(peer, figure)[round]!));

  function table(labels: Record<string, string>, compared?: string): Table {
    const figures = Object.keys(labels);
    return {
      head: ["", "setting", ...Object.values(labels), ...(compared ? [`${compared} / peer`] : [])],
      rows: contenders.map(({ name, setting }) => [
        name,
        setting,
        ...figures.map((figure) => (values(name, figure).length > 0 ? spread(values(name, figure)) : "–")),
        ...(compared ? [readable(ratio(figures[0]!, compared, name))] : []),
      ]),
    };
  }
  return { median: (name, figure) => median(values(name, figure)), ratio, table };
}
