import { Socket } from "node:net";
import { onTestFinished, vi } from "vitest";

const factor = 20;
const original: TypedPropertyDescriptor<Socket["setTimeout"]> =
  Object.getOwnPropertyDescriptor(Socket.prototype, "setTimeout") ?? {};

/**
 * Makes the timers of this process run 20 times as fast until the test ends: real time-outs on real sockets without
 * the wait. Returns a clock that counts the seconds that have passed for them.
 */
export function speedUpTimers(): () => number {
  const { setTimeout: wait } = globalThis;
  const waitIdle = (socket: Socket, ...how: Parameters<Socket["setTimeout"]>) =>
    original.value?.call(socket, ...how) as Socket;
  const faster = (run: () => void, milliseconds = 0, ...rest: []) => wait(run, milliseconds / factor, ...rest);
  vi.spyOn(globalThis, "setTimeout").mockImplementation(faster);
  vi.spyOn(Socket.prototype, "setTimeout").mockImplementation(function (this: Socket, milliseconds, run) {
    return waitIdle(this, milliseconds / factor, run);
  });
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    const controller = new AbortController();
    wait(() => controller.abort(new DOMException("Time-out", "TimeoutError")), milliseconds / factor);
    return controller.signal;
  });
  onTestFinished(() => void vi.restoreAllMocks());

  const started = performance.now();
  return () => ((performance.now() - started) * factor) / 1000;
}
