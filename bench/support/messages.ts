// For measured processes alone, which end with the bench that started them: what they say to it, and what they are told.

type Message = { word: string; count?: number };

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));

/** Says a word, with data. */
export function tell(word: string, data: object = {}): void {
  process.send?.({ word, ...data });
}

/** Resolves when the word is heard for the next time. */
export function told(word: string): Promise<Message> {
  return new Promise((resolve) => {
    const stop = onTold(word, (message) => {
      stop();
      resolve(message);
    });
  });
}

/** Calls back whenever the word is heard, until the answer is called. */
export function onTold(word: string, listener: (message: Message) => void): () => void {
  const listen = (message: Message) => {
    if (message.word === word) listener(message);
  };
  process.on("message", listen);
  return () => process.off("message", listen);
}
