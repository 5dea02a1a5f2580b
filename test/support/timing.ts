export type Posted = { answer: string; milliseconds: number };

/** Sends both kinds in turns, `requests` in all. Returns the different responses, and how far their times differ. */
export async function compare(
  requests: number,
  one: (n: number) => Promise<Posted>,
  other: (n: number) => Promise<Posted>,
): Promise<{ answers: Set<string>; area: number }> {
  const [these, those]: [Posted[], Posted[]] = [[], []];
  for (let n = 1; n <= requests / 2; n += 1) {
    if (n % 2) these.push(await one(n));
    those.push(await other(n));
    if (n % 2 === 0) these.push(await one(n));
  }

  return {
    answers: new Set([...these, ...those].map(({ answer }) => answer)),
    area: areaUnderCurve(
      these.map(({ milliseconds }) => milliseconds),
      those.map(({ milliseconds }) => milliseconds),
    ),
  };
}

/** The probability that a time of one kind is below one of the other kind: 0.5 when they do not differ. */
function areaUnderCurve(these: number[], those: number[]): number {
  const below = these.map((one) => those.filter((other) => one < other).length);
  return below.reduce((sum, count) => sum + count, 0) / (these.length * those.length);
}
