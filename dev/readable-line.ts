import { pino } from "pino";
import { z } from "zod";

const entrySchema = z.object({
  level: z.number(),
  process: z.string(),
  msg: z.string().optional(),
  method: z.string().optional(),
  route: z.string().optional(),
  status: z.number().optional(),
  task_type: z.string().optional(),
  ms: z.number().optional(),
  error: z.string().optional(),
  err: z.object({ stack: z.string().optional() }).optional(),
});

/** A line of the log in words: requests, tasks and problems. Undefined for the rest. */
export function readableLine(line: string): string | undefined {
  const { data: entry } = entrySchema.safeParse(parse(line));
  if (!entry) return line;

  const { method, route, status, task_type, ms, error, err } = entry;
  const level = pino.levels.labels[entry.level];
  const isInfo = level === "info";
  if (isInfo && !method && !task_type) return;

  const words = [
    entry.process.padEnd(6),
    !isInfo && level?.toUpperCase(),
    method,
    route,
    status,
    task_type,
    // A request needs no message.
    !method && entry.msg,
    ms !== undefined && `${ms} ms`,
    error,
    err?.stack && `\n${err.stack}`,
  ];
  return words.filter(Boolean).join(" ");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
