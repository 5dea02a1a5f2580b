import { startSmtp } from "../../dev/smtp.ts";
import { now } from "../support/clock.ts";
import { tell } from "../support/messages.ts";

// Takes every mail, and says when the first and the last of COUNT came.

const expected = Number(process.env.COUNT);
let count = 0;
let first = 0;

const { url } = await startSmtp({
  onMail() {
    count += 1;
    if (count === 1) first = now();
    if (count === expected) tell("all", { first, last: now() });
  },
});
tell("ready", { url });
