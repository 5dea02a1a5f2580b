import { availableParallelism } from "node:os";
import { hash } from "@node-rs/argon2";
import pLimit from "p-limit";

export type HashPassword = (password: string, deadline: AbortSignal) => Promise<string>;

// OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 passes, 1 lane.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashes off the event loop, as many at once as there are cores.
 * Throws 503 when the queue is full: a flood is told to come back instead of delaying everybody past the deadline.
 */
export function passwordHasher(cores = availableParallelism(), queue = 256 * cores): HashPassword {
  const limit = pLimit(cores);

  return async (password, deadline) => {
    if (limit.pendingCount >= queue) {
      throw Object.assign(new Error("Too many passwords wait to be hashed."), { status: 503 });
    }
    return limit(() => {
      // Nobody waits any more: the core is for those who do.
      deadline.throwIfAborted();
      return hash(password, cost);
    });
  };
}
