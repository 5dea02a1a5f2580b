import { describe, expect, it } from "vitest";
import { passwordHasher } from "../../app/password.ts";

const inTime = new AbortController().signal;

describe("passwordHasher", () => {
  it("refuses with 503 beyond its queue, and takes passwords again when it is empty", async () => {
    const hash = passwordHasher(1, 2);
    const waiting = [hash("a", inTime), hash("b", inTime), hash("c", inTime)];

    await expect(hash("d", inTime)).rejects.toMatchObject({ status: 503 });
    await Promise.all(waiting);
    expect(await hash("d", inTime)).toMatch(/^\$argon2id\$/);
  });

  it("spends no time on a visitor who has given up", async () => {
    const hash = passwordHasher(1, 2);
    const gone = AbortSignal.abort(new Error("too late"));
    await expect(hash("a", gone)).rejects.toThrow("too late");
  });
});
