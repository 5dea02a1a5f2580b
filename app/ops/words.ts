import { mostCounted } from "./count-tasks.ts";

/** A count that stopped at `mostCounted` says so. */
export function count(tasks: number): string {
  return tasks > mostCounted ? `${mostCounted.toLocaleString("en")}+` : tasks.toLocaleString("en");
}

/** A time span, in its two largest units. */
export function span(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** How well the promise is kept that a task starts at once. */
export function promptness(oldestDueSeconds: number | null): { level: "fine" | "late" | "bad"; words: string } {
  if (oldestDueSeconds === null) return { level: "fine", words: "nothing waits" };
  if (oldestDueSeconds < 5) return { level: "fine", words: "prompt" };
  if (oldestDueSeconds < 60) return { level: "late", words: "late" };
  return { level: "bad", words: "much too late" };
}

/** To the second, in UTC. */
export function time(at: Date | string): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

export const typePath = (type: string) => `/ops/types/${encodeURIComponent(type)}`;
