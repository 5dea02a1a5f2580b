import { availableParallelism } from "node:os";
import { hash, verify } from "@node-rs/argon2";
import pLimit from "p-limit";
import type { State } from "../http/context.ts";
import { isBreached } from "./breached-passwords.ts";
import { breached, normalizePassword, problemWithPassword } from "./password-rules.ts";

export type Passwords = {
  /** What is wrong with a password as it was typed, for the person who chose it: the rules, then the range API. */
  findProblem: (typed: string, email: string, state: Pick<State, "deadline" | "log">) => Promise<string | undefined>;
  hash: (password: string, deadline: AbortSignal) => Promise<string>;
  /** Without a hash (an unknown address) it returns false after the same time. */
  verify: (hash: string | undefined, password: string, deadline: AbortSignal) => Promise<boolean>;
  /** Whether a hash was made with less memory, fewer passes or fewer lanes than a new one. */
  isOutdated: (hash: string) => boolean;
};

type Options = {
  cores?: number;
  queue?: number;
  cost?: typeof owasp;
  /** A range API of breached passwords. Without it, no password leaves the process in any form. */
  rangeUrl?: string | undefined;
};

// OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 passes, 1 lane.
const owasp = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Hashes and checks off the event loop, one at a time per core. Throws 503 when the queue is full: otherwise a flood
 * would delay all requests past their deadline.
 */
export function createPasswords(options: Options = {}): Passwords {
  const { cores = availableParallelism(), queue = 256 * cores, cost = owasp, rangeUrl } = options;
  const limit = pLimit(cores);
  const dummy = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${"A".repeat(22)}$${"A".repeat(43)}`;

  async function queued<Result>(deadline: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    if (limit.pendingCount >= queue) {
      throw Object.assign(new Error("Too many passwords wait to be hashed."), { status: 503 });
    }
    return limit(() => {
      // The request already got its 503.
      deadline.throwIfAborted();
      return work();
    });
  }

  return {
    async findProblem(typed, email, state) {
      const problem = problemWithPassword(typed, email);
      if (problem || rangeUrl === undefined) return problem;
      return (await isBreached(rangeUrl, normalizePassword(typed), state)) ? breached : undefined;
    },

    hash: (password, deadline) => queued(deadline, () => hash(password, cost)),

    verify: (known, password, deadline) =>
      queued(deadline, async () => {
        // Another program may have stored something else. Then no password fits, and the check takes the same time.
        const isRight = await verify(known ?? dummy, password).catch(() => verify(dummy, password));
        return isRight && known !== undefined;
      }),

    isOutdated(hash) {
      const [memory = 0, passes = 0, lanes = 0] =
        /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(hash)?.slice(1).map(Number) ?? [];
      return memory < cost.memoryCost || passes < cost.timeCost || lanes < cost.parallelism;
    },
  };
}
