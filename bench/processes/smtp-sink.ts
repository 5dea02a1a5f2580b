import { startSmtp } from "../../dev/smtp.ts";
import { now } from "../support/clock.ts";
import { send } from "../support/messages.ts";

// Accepts every mail, and reports when the first and the last of COUNT arrived.

const expected = Number(process.env.COUNT);
let count = 0;
let first = 0;

const { url } = await startSmtp({
  onMail() {
    count += 1;
    if (count === 1) first = now();
    if (count === expected) send("all", { first, last: now() });
  },
});
send("ready", { url });
