import type { Postgres } from "../dev/postgres.ts";
import type { Goal, Table } from "./support/table.ts";

/** What a measurement is given. */
export type Bench = {
  postgres: Postgres;
  /** Small sizes and one round: to see that it works, not to judge a time. */
  isQuick: boolean;
  /** Counted rounds. */
  rounds: number;
  /** Rounds before them that don't count. */
  warmUps: number;
  /** One of two sizes: for a real run, and for a quick one. */
  size<Size>(full: Size, quick: Size): Size;
  /** A line of progress. */
  say(line: string): void;
};

/** What a measurement found. */
export type Report = {
  tables: Table[];
  goals: Goal[];
  notes: string[];
  /** Which rounds were counted, where it is not the medians of all. */
  counted?: string;
  chart?: { file: string; svg: string; title: string };
};

export type Measurement = (bench: Bench) => Promise<Report>;
