import { scriptSmtp, type Answer, type ScriptedSmtp, type Stage } from "../scripted-smtp.ts";
import type { Random } from "./random.ts";

export type PostOffice = {
  smtp: ScriptedSmtp;
  /** Whole mails: by Message-ID, who they were for, how often they came, and whether one was taken. */
  letters: Map<string, Letter>;
  /** How often each ill answer was given. */
  answers: Map<string, number>;
  /** No ill answer from now on. */
  calm(): void;
};

export type Letter = { to: Set<string>; copies: number; isTaken: boolean };

const ills = ["421", "450", "451", "550", "554", "hang", "cut"] as const;

// Before the recipient is named, a refusal stops the whole type for a while: seldom, so that the mails go on.
const shares: Partial<Record<Stage, number>> = {
  greeting: 0.05,
  EHLO: 0.02,
  MAIL: 0.01,
  RCPT: 0.04,
  DATA: 0.04,
  end: 0.08,
};

/** A mail server in a bad mood: the stages of each dialogue meet every ill answer. */
export async function openPostOffice(random: Random): Promise<PostOffice> {
  const letters = new Map<string, Letter>();
  const answers = new Map<string, number>();
  let isCalm = false;

  function draw(stage: Stage): Answer {
    if (isCalm || !random.chance(shares[stage] ?? 0)) return undefined;
    const ill = random.pick(ills);
    const name = `${ill} at ${stage}`;
    answers.set(name, (answers.get(name) ?? 0) + 1);
    return ill === "hang" || ill === "cut" ? ill : `${Number(ill)} Of ill humour`;
  }

  const smtp = await scriptSmtp(({ stage }) => {
    const answer = draw(stage);
    if (stage === "end") note(smtp.mails.at(-1)!, answer === undefined);
    return answer;
  });

  function note({ id, to }: { id: string; to: string }, isTaken: boolean): void {
    const letter = letters.get(id) ?? { to: new Set(), copies: 0, isTaken: false };
    letters.set(id, { to: letter.to.add(to), copies: letter.copies + 1, isTaken: letter.isTaken || isTaken });
  }

  return { smtp, letters, answers, calm: () => (isCalm = true) };
}
