import type { Postgres } from "../dev/postgres.ts";

/** What a measurement is given. */
export type Bench = {
  postgres: Postgres;
  /** Small sizes and one round: shows that it works, judges no time. */
  isQuick: boolean;
  /** Counted rounds. */
  rounds: number;
  /** Rounds before them that do not count. */
  warmUps: number;
  /** Picks one of two sizes: for a real run, or for a quick one. */
  size<Size>(full: Size, quick: Size): Size;
  /** Prints a line of progress. */
  log(line: string): void;
};

/** What a measurement found. */
export type Report = {
  tables: Table[];
  goals: Goal[];
  notes: string[];
  /** Replaces the sentence about medians. */
  counted?: string;
  chart?: { file: string; svg: string; title: string };
};

export type Measurement = (bench: Bench) => Promise<Report>;

export type Table = { head: string[]; rows: string[][]; caption?: string };

export type Goal = { text: string; value: number; unit: string; isMet: boolean };

export function atLeast(text: string, value: number, limit: number, unit = ""): Goal {
  return { text: `${text}: at least ${limit}${unit}`, value, unit, isMet: value >= limit };
}

export function atMost(text: string, value: number, limit: number, unit = ""): Goal {
  return { text: `${text}: at most ${limit}${unit}`, value, unit, isMet: value <= limit };
}
