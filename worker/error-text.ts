/** An error as text for the history and the log: no address of a person, and nothing that Postgres cannot store. */
export function errorText(error: unknown): string {
  return (
    read(error)
      .replace(/[^\s<>"(),;:]+@[^\s<>"(),;:]+/g, "(address)")
      .replaceAll("\0", "")
      .slice(0, 2000)
      // Last: the cut may have left half a character.
      .toWellFormed()
  );
}

function read(error: unknown): string {
  try {
    const isError = error instanceof Error;
    // A message need not be text, whatever its type says.
    const text: unknown = isError ? error.message || codeOf(error) : error;
    return isError ? String(text) : `thrown: ${String(text)}`;
  } catch {
    return "thrown: what cannot be read";
  }
}

/** Of several failed connections in one (an AggregateError), Node tells the code alone. */
const codeOf = (error: Error) => ("code" in error ? error.code : error.name);
