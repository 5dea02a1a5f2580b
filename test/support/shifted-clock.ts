// Preloaded to shift a process's clock by CLOCK_SHIFT_DAYS. Each SIGUSR2 makes it jump by more than a year. The clock
// of performance.now() stays right.

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
