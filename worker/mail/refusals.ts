import { setTimeout as delay } from "node:timers/promises";

/** So many different recipients refused in a row are no coincidence. */
const enough = 3;
const patienceMilliseconds = 1000;

/**
 * Tells a refusal of one recipient from a refusal of us, where the server's answer (x.7.x at RCPT) fits both: it is us when three
 * different recipients in a row are refused, and no mail was accepted in between. In the memory of one process: each finds out by itself.
 */
export function createRefusals() {
  /** Refused since the last mail that was accepted; the last three. */
  const recipients = new Set<string>();
  let decided = Promise.withResolvers<void>();

  function decide(): void {
    decided.resolve();
    decided = Promise.withResolvers();
  }

  return {
    accepted(): void {
      recipients.clear();
      decide();
    },

    /**
     * Whom the server refuses; `us again`: it was known from this recipient already, and another one should try. With other mails under
     * way, their answers are waited for, a second at most: they tell whether this attempt has to count.
     */
    async judge(recipient: string, hasOthers: boolean): Promise<"recipient" | "us" | "us again"> {
      const isKnown = recipients.delete(recipient);
      recipients.add(recipient);
      if (recipients.size > enough) recipients.delete([...recipients][0]!);
      if (recipients.size === enough) {
        decide();
        return isKnown ? "us again" : "us";
      }
      if (hasOthers) await Promise.race([decided.promise, delay(patienceMilliseconds)]);
      return recipients.size === enough ? "us" : "recipient";
    },
  };
}
