import { z } from "zod";
import type { Context } from "../http/context.ts";
import { mostCounted } from "./count-tasks.ts";

/** A count that stopped at `mostCounted` says so. */
export function count(tasks: number): string {
  return tasks > mostCounted ? `${mostCounted.toLocaleString("en")}+` : tasks.toLocaleString("en");
}

/** A duration in its two largest units. */
export function span(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

type Lateness = { level: "fine" | "late" | "bad"; age: string; words: string };

/** How late the oldest due task of a known type is, and how many due tasks have a type that no worker knows. */
export function lateness(tasks: { oldestDueSeconds: number | null; unknownDue: number }): Lateness {
  const { oldestDueSeconds, unknownDue } = tasks;
  const known = latenessOfKnown(oldestDueSeconds);
  if (unknownDue === 0) return known;
  const unknown =
    unknownDue === 1 ? "1 task of an unknown type is due" : `${count(unknownDue)} tasks of unknown types are due`;
  if (oldestDueSeconds === null) return { ...known, level: "late", words: unknown };
  return { ...known, words: `${known.words}; ${unknown}` };
}

function latenessOfKnown(seconds: number | null): Lateness {
  if (seconds === null) return { level: "fine", age: "none", words: "no task is due" };
  if (seconds < 5) return { level: "fine", age: span(seconds), words: "on time" };
  if (seconds < 60) return { level: "late", age: span(seconds), words: "late" };
  return { level: "bad", age: span(seconds), words: "much too late" };
}

/** A time to the second, in UTC. */
export function time(at: Date | string): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * A state as a heading.
 * @public Views use it.
 */
export const title = (state: string) => state[0]!.toUpperCase() + state.slice(1);

export const typePath = (type: string) => `/ops/types/${encodeURIComponent(type)}`;

const params = z.record(z.string(), z.string());

/** A decoded part of the path, by its name in the route. Throws 404 for a NUL, which Postgres cannot store. */
export function param(ctx: Context, name: string): string {
  const value = params.parse(ctx.params)[name] ?? "";
  if (value.includes("\0")) ctx.throw(404);
  return value;
}
