import type { Bench } from "../bench.ts";
import { median, readable, spread } from "./statistics.ts";
import type { Table } from "./table.ts";

export type Figures = Record<string, number>;

export type Contender = {
  name: string;
  /** What it was given: connections, batches, sizes. */
  setting: string;
  /** Whether a figure may be negative. */
  isSigned?: boolean;
  run: () => Promise<Figures>;
};

type Series = Map<string, number[]>;

export type Results = {
  /** Of one contender, the median of one figure. */
  median(contender: string, figure: string): number;
  /** How many times the peer's figure ours is: round by round, and of these the median. */
  ratio(figure: string, ours: string, peer: string): number;
  /** A line for each contender; `ours` is compared with each by the first figure. */
  table(labels: Record<string, string>, ours?: string): Table;
};

/** Runs the contenders in turn, round by round, so that a noisy minute hits all of them. */
export async function compete(bench: Bench, contenders: Contender[]): Promise<Results> {
  const series = new Map<string, Series>(contenders.map(({ name }) => [name, new Map<string, number[]>()]));

  for (let round = 1 - bench.warmUps; round <= bench.rounds; round += 1) {
    for (const { name, isSigned = false, run } of contenders) {
      const figures = await run();
      refuseNonsense(name, figures, isSigned);
      const text = Object.entries(figures).map(([figure, value]) => `${figure} ${readable(value)}`);
      bench.say(`${round === 0 ? "warm-up" : `round ${round}/${bench.rounds}`}  ${name}: ${text.join(", ")}`);
      if (round > 0) keep(series.get(name)!, figures);
    }
  }
  return results(contenders, series);
}

/** A figure that can't be is a broken measurement, not a fast one. */
function refuseNonsense(name: string, figures: Figures, isSigned: boolean): void {
  for (const [figure, value] of Object.entries(figures)) {
    if (!(Number.isFinite(value) && (isSigned || value > 0))) throw new Error(`${name}: ${figure} is ${value}.`);
  }
}

function keep(series: Series, figures: Figures): void {
  for (const [figure, value] of Object.entries(figures)) series.set(figure, [...(series.get(figure) ?? []), value]);
}

function results(contenders: Contender[], series: Map<string, Series>): Results {
  const values = (name: string, figure: string) => series.get(name)?.get(figure) ?? [];
  const middle = (name: string, figure: string) => median(values(name, figure));
  // Within a round, both had the same noise.
  const ratio = (figure: string, ours: string, peer: string) =>
    median(values(ours, figure).map((value, round) => value / values(peer, figure)[round]!));

  function table(labels: Record<string, string>, ours?: string): Table {
    const figures = Object.keys(labels);
    return {
      head: ["", "setting", ...Object.values(labels), ...(ours ? [`${ours} / this`] : [])],
      rows: contenders.map(({ name, setting }) => [
        name,
        setting,
        ...figures.map((figure) => (values(name, figure).length > 0 ? spread(values(name, figure)) : "–")),
        ...(ours ? [readable(ratio(figures[0]!, ours, name))] : []),
      ]),
    };
  }
  return { median: middle, ratio, table };
}
