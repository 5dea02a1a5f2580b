/** An error as text for the history and the log: no address of a person, and nothing that Postgres cannot store. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : `thrown: ${String(error)}`;
  return text
    .replace(/[^\s<>"'(),;:]+@[^\s<>"'(),;:]+/g, "(address)")
    .replaceAll("\0", "")
    .toWellFormed()
    .slice(0, 2000);
}
