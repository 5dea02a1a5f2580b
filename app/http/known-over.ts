const mostKnown = 10_000;

/**
 * Who is over a limit, as far as this process has been told by the database: until the limit ends it need not ask again, and
 * refuses before any work. Whom it has forgotten, or not heard of, the statement that counts refuses.
 */
export function createKnownOver() {
  const ends = new Map<string, number>();

  return {
    /** Whole seconds, at least 1, for which the subject is still over its limit; undefined when that is not known. */
    secondsLeft(subject: string): number | undefined {
      const milliseconds = (ends.get(subject) ?? 0) - performance.now();
      return milliseconds > 0 ? Math.ceil(milliseconds / 1000) : undefined;
    },

    note(subject: string, seconds: number): void {
      ends.delete(subject);
      ends.set(subject, performance.now() + seconds * 1000);
      const [oldest] = ends.keys();
      if (ends.size > mostKnown) ends.delete(oldest!);
    },
  };
}
