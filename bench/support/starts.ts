import { now } from "./clock.ts";
import { tell, told } from "./messages.ts";

const pauseMilliseconds = 50;

/**
 * For workers of every make: to be called as a task starts, with its number where it has one. Says when the first has started,
 * how many have by now, when all have, and at the end when each numbered one did.
 */
export function watchStarts(total: number): (number?: number) => void {
  const starts: [number: number, at: number][] = [];
  let count = 0;
  let isTelling = false;
  void told("report").then(() => tell("starts", { starts }));

  return (number) => {
    count += 1;
    if (count === 1) tell("first", { at: now() });
    if (count === total) tell("all started");
    if (number !== undefined) starts.push([number, now()]);
    if (isTelling) return;
    isTelling = true;
    setTimeout(() => {
      isTelling = false;
      tell("started", { count });
    }, pauseMilliseconds);
  };
}
