import { availableParallelism } from "node:os";
import { createPasswords } from "../../app/password/password.ts";
import { now } from "../support/clock.ts";
import { tell } from "../support/parent.ts";

// The ceiling of signups: the app's own password hash on all cores, with nothing around it.

const seconds = Number(process.env.SECONDS);
const passwords = createPasswords();
const never = new AbortController().signal;
const begin = now();
let count = 0;

await Promise.all(Array.from({ length: availableParallelism() }, hashOn));
tell("result", { rate: (count / (now() - begin)) * 1000 });

async function hashOn(): Promise<void> {
  while (now() - begin < seconds * 1000) {
    await passwords.hash("correct horse battery staple", never);
    count += 1;
  }
}
