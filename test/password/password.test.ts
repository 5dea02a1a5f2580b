import { describe, expect, it } from "vitest";
import { createPasswords } from "../../app/password/password.ts";

const inTime = new AbortController().signal;

describe("createPasswords", () => {
  it("refuses with 503 beyond its queue, and takes passwords again when it is empty", async () => {
    const { hash } = createPasswords({ cores: 1, queue: 2 });
    const waiting = [hash("a", inTime), hash("b", inTime), hash("c", inTime)];

    await expect(hash("d", inTime)).rejects.toMatchObject({ status: 503 });
    await Promise.all(waiting);
    expect(await hash("d", inTime)).toMatch(/^\$argon2id\$/);
  });

  it("does not hash for a request that is over its deadline", async () => {
    const { hash } = createPasswords({ cores: 1, queue: 2 });
    const gone = AbortSignal.abort(new Error("too late"));
    await expect(hash("a", gone)).rejects.toThrow("too late");
  });

  it("checks a password against its hash, and without a hash against a dummy", async () => {
    const { hash, verify } = createPasswords();
    const known = await hash("twelve engines hum", inTime);
    expect(await verify(known, "twelve engines hum", inTime)).toBe(true);
    expect(await verify(known, "twelve engines", inTime)).toBe(false);
    expect(await verify("no hash", "no hash", inTime)).toBe(false);
    expect(await verify(undefined, "", inTime)).toBe(false);
  });

  it("keeps checks in the same queue", async () => {
    const { hash, verify } = createPasswords({ cores: 1, queue: 1 });
    const waiting = [hash("a", inTime), verify(undefined, "b", inTime)];
    await expect(verify(undefined, "c", inTime)).rejects.toMatchObject({ status: 503 });
    await Promise.all(waiting);
  });
});
