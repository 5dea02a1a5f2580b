/**
 * What `move` returns, or "taken" when another account has the address. It is tried once more: a signup that met the first
 * statement, and that it did not see, gives way to the second unless it is verified.
 */
export async function orTaken<Moved>(move: () => Promise<Moved>): Promise<Moved | "taken"> {
  const moved = await move().catch(asTaken);
  return moved === "taken" ? move().catch(asTaken) : moved;
}

/** Turns the error that says that another account has the address into a value; all others stay errors. */
function asTaken(error: unknown): "taken" {
  if (isTaken(error)) return "taken";
  throw error;
}

/** The address has become somebody's (23505), or its unverified holder is verifying it this very moment (23503). */
function isTaken(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error && "table_name" in error)) return false;
  return error.code === "23505"
    ? error.table_name === "usr"
    : error.code === "23503" && error.table_name === "email_verified";
}
