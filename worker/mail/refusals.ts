import { setTimeout as delay } from "node:timers/promises";

/** After this many refusals of different recipients in a row, we assume that the server refuses us. */
const enough = 3;
const waitMilliseconds = 1000;

/**
 * Decides whether the server refuses one recipient or us, where its response (x.7.x at RCPT) fits both. It refuses us
 * if three different recipients in a row are refused and no mail is accepted in between. Each process decides for
 * itself.
 */
export function createRefusals() {
  /** The last three recipients that were refused since the last accepted mail. */
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
     * Returns what the server refuses. `us again`: this recipient was refused before, so another one should try.
     * While other mails are being sent, waits up to a second for their outcomes, which show whether this attempt
     * counts.
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
