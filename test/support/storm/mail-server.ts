import { appendFileSync } from "node:fs";
import { listenToMails, type Answer, type Stage } from "../smtp-dialogue.ts";
import { createRandom } from "./random.ts";

// The process of the flaky SMTP server. It fails at random until SIGUSR2. It writes each step to a file before it
// responds: the file is complete when the process is killed.

const [port, seed, ledger] = process.argv.slice(2) as [string, string, string];
const random = createRandom(Number(seed));
let isReliable = false;
process.on("SIGUSR2", () => (isReliable = true));

const failures = ["421", "450", "451", "550", "554", "hang", "cut"] as const;
const drawn = random.deck(failures);

// A refusal before RCPT stops the whole type for a while, so it is rare.
const shares: Record<Stage, number> = {
  greeting: 0.05,
  EHLO: 0.02,
  AUTH: 0.02,
  MAIL: 0.01,
  RCPT: 0.04,
  DATA: 0.04,
  end: 0.08,
};

function draw(stage: Stage): Answer {
  if (isReliable || !random.chance(shares[stage])) return undefined;
  const failure = drawn();
  note({ failure: `${failure} at ${stage}` });
  return failure === "hang" || failure === "cut" ? failure : `${Number(failure)} Random failure`;
}

const note = (entry: object) => appendFileSync(ledger, `${JSON.stringify(entry)}\n`);

const smtp = await listenToMails(({ stage }) => {
  const response = draw(stage);
  if (stage === "end") {
    const { id, to } = smtp.mails.at(-1)!;
    note({ id, to, isAccepted: response === undefined });
  }
  return response;
}, Number(port));
console.log("listening");
