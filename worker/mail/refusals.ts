import { setTimeout as delay } from "node:timers/promises";

/** Refused in a row, so many different recipients mean that the server refuses us. */
const enough = 3;
const waitMilliseconds = 1000;

/**
 * Tells a refusal of one recipient from a refusal of us, where the server's response (x.7.x at RCPT) fits both. It is
 * us when three different recipients in a row are refused and no mail is accepted in between. Each process finds out
 * by itself.
 */
export function createRefusals() {
  /** The last three that were refused since the last accepted mail. */
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
     * Returns whom the server refuses. `us again`: this recipient has shown it before, so another one should try.
     * While other mails are being sent, waits up to a second for their outcomes: they tell whether this attempt has
     * to count.
     */
    async judge(recipient: string, hasOthers: boolean): Promise<"recipient" | "us" | "us again"> {
      const isKnown = recipients.delete(recipient);
      recipients.add(recipient);
      if (recipients.size > enough) recipients.delete([...recipients][0]!);
      if (recipients.size === enough) {
        decide();
        return isKnown ? "us again" : "us";
      }
      if (hasOthers) await Promise.race([decided.promise, delay(waitMilliseconds)]);
      return recipients.size === enough ? "us" : "recipient";
    },
  };
}
