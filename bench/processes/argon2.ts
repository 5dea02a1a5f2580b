import { availableParallelism } from "node:os";
import { createPasswords } from "../../app/password/password.ts";
import { now } from "../support/clock.ts";
import { send } from "../support/messages.ts";

// The ceiling of signups: the app's password hash on all cores, and nothing else.

const seconds = Number(process.env.SECONDS);
const passwords = createPasswords();
const never = new AbortController().signal;
const begin = now();
let count = 0;

await Promise.all(Array.from({ length: availableParallelism() }, hashOn));
send("result", { rate: (count / (now() - begin)) * 1000 });

async function hashOn(): Promise<void> {
  while (now() - begin < seconds * 1000) {
    await passwords.hash("correct horse battery staple", never);
    count += 1;
  }
}
