import { appendFileSync } from "node:fs";
import { listenToMails, type Answer, type Stage } from "../smtp-dialogue.ts";
import { createRandom } from "./random.ts";

// A process of its own: a mail server in a bad mood until SIGUSR2 calms it. What it does it writes down before it answers, in a
// file of which nothing is lost when it is killed.

const [port, seed, ledger] = process.argv.slice(2) as [string, string, string];
const random = createRandom(Number(seed));
let isCalm = false;
process.on("SIGUSR2", () => (isCalm = true));

const ills = ["421", "450", "451", "550", "554", "hang", "cut"] as const;
const drawn = random.deck(ills);

// Before the recipient is named, a refusal stops the whole type for a while: seldom, so that the mails go on.
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
  if (isCalm || !random.chance(shares[stage])) return undefined;
  const ill = drawn();
  note({ ill: `${ill} at ${stage}` });
  return ill === "hang" || ill === "cut" ? ill : `${Number(ill)} Of ill humour`;
}

const note = (entry: object) => appendFileSync(ledger, `${JSON.stringify(entry)}\n`);

const smtp = await listenToMails(({ stage }) => {
  const answer = draw(stage);
  if (stage === "end") {
    const { id, to } = smtp.mails.at(-1)!;
    note({ id, to, isTaken: answer === undefined });
  }
  return answer;
}, Number(port));
console.log("listening");
