import type { Sql } from "../db/connect.ts";

/** The attempts of one minute. */
type Minute = { minutes_ago: number; mails: number; done: number; failed: number };

type LastHour = { minutes: Minute[]; failures: Map<string, number> };

/** The attempt statistics of the last 60 minutes, oldest first, and the failed attempts by type. */
export async function readLastHour(sql: Sql): Promise<LastHour> {
  const rows = await sql<{ minutes_ago: number; task_type: string; done: number; failed: number }[]>`
    select
      (extract(epoch from date_trunc('minute', now()) - minute) / 60)::int as minutes_ago, task_type,
      coalesce(sum(attempts) filter (where not is_failure), 0)::int as done,
      coalesce(sum(attempts) filter (where is_failure), 0)::int as failed
    from attempt_statistics
    where minute > now() - interval '1 hour'
    group by minute, task_type
  `;
  const minutes = Array.from({ length: 60 }, (_, n) => ({ minutes_ago: 59 - n, mails: 0, done: 0, failed: 0 }));
  const failures = new Map<string, number>();
  for (const { minutes_ago, task_type, done, failed } of rows) {
    const minute = minutes.at(-1 - minutes_ago);
    if (minute) {
      minute.done += done;
      minute.failed += failed;
      if (task_type.startsWith("SEND_EMAIL_")) minute.mails += done;
    }
    if (failed > 0) failures.set(task_type, (failures.get(task_type) ?? 0) + failed);
  }
  return { minutes, failures };
}

type Chart = {
  title: string;
  /** The same in words. */
  summary: string;
  isBad: boolean;
  bars: { x: number; y: number; height: number; label: string }[];
};

const chartHeight = 48;

/** Mails per minute, and the percentage of attempts that failed. */
export function drawCharts(minutes: Minute[]): Chart[] {
  const mails = minutes.map((minute) => minute.mails);
  const failures = minutes.map(({ done, failed }) => (failed > 0 ? (100 * failed) / (done + failed) : 0));
  const failed = sum(minutes.map((minute) => minute.failed));
  const tried = failed + sum(minutes.map(({ done }) => done));
  const rate = tried > 0 ? `${Math.round((100 * failed) / tried)} % of ${tried} attempts failed` : "no task ran";

  return [
    {
      title: "Mails per minute",
      summary: `${sum(mails)} mails in the last hour, at most ${Math.max(...mails)} in a minute.`,
      isBad: false,
      bars: bars(mails, Math.max(1, ...mails), (n) => `${n} mails`),
    },
    {
      title: "Failure rate",
      summary: `In the last hour, ${rate}.`,
      isBad: true,
      bars: bars(failures, 100, (n) => `${Math.round(n)} % failed`),
    },
  ];
}

function bars(values: number[], most: number, inWords: (value: number) => string): Chart["bars"] {
  return values.flatMap((value, x) => {
    if (value === 0) return [];
    const height = Math.max(1, (value / most) * chartHeight);
    return { x, height, y: chartHeight - height, label: `${59 - x} minutes ago: ${inWords(value)}` };
  });
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
