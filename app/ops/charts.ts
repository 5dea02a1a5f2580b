import type { Minute } from "./last-hour.ts";

export type Chart = {
  title: string;
  /** What the picture shows, for those who don't see it. */
  summary: string;
  isBad: boolean;
  bars: { x: number; y: number; height: number; label: string }[];
};

const heightOfAll = 48;

/** Mails per minute, and how many of a hundred attempts failed, in the last hour. */
export function drawCharts(minutes: Minute[]): Chart[] {
  const mails = minutes.map((minute) => minute.mails);
  const failures = minutes.map(({ done, failed }) => (done + failed > 0 ? (100 * failed) / (done + failed) : 0));
  const tried = sum(minutes.map(({ done, failed }) => done + failed));
  const failed = sum(minutes.map((minute) => minute.failed));
  const rate =
    tried > 0 ? `${Math.round((100 * failed) / tried)} % of ${tried} attempts failed` : "no attempt was made";

  return [
    {
      title: "Mails per minute",
      summary: `${sum(mails)} mails in the last hour, at most ${Math.max(...mails)} in a minute.`,
      isBad: false,
      bars: bars(mails, Math.max(1, ...mails), (n) => `${n} mails`),
    },
    {
      title: "Failure rate",
      summary: `In the last hour ${rate}.`,
      isBad: true,
      bars: bars(failures, 100, (n) => `${Math.round(n)} % failed`),
    },
  ];
}

function bars(values: number[], most: number, words: (value: number) => string): Chart["bars"] {
  return values.flatMap((value, x) => {
    if (value === 0) return [];
    const height = Math.max(1, (value / most) * heightOfAll);
    return { x, height, y: heightOfAll - height, label: `${59 - x} minutes ago: ${words(value)}` };
  });
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
