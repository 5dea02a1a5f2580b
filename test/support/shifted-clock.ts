// Preloaded by a process whose clock is to be wrong by so many days, or to jump by more than a year at each SIGUSR2; what counts
// durations (performance) goes on as before.

let shift = Number(process.env["CLOCK_SHIFT_DAYS"]) * 24 * 3600 * 1000;
const RightDate = Date;

class ShiftedDate extends RightDate {
  constructor(...given: [] | [string | number | Date]) {
    super(given.length === 0 ? RightDate.now() + shift : given[0]);
  }

  static override now(): number {
    return RightDate.now() + shift;
  }
}

const jump = 400 * 24 * 3600 * 1000;
process.on("SIGUSR2", () => (shift = shift > 0 ? -jump : jump));

globalThis.Date = ShiftedDate as DateConstructor;
