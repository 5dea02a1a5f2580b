import { describe, expect, it } from "vitest";
import { normalizeEmail, problemWithEmail } from "../../app/sign-up/email.ts";

describe("an address", () => {
  it.each([
    ["  Ada@Example.COM\n", "ada@example.com"],
    ["ada+news@mail.example.com", "ada+news@mail.example.com"],
    ["ada@xn--bcher-kva.xn--p1ai", "ada@xn--bcher-kva.xn--p1ai"],
    ["ada@4.example.c0m", "ada@4.example.c0m"],
    ["o'hara_{x}@example.com", "o'hara_{x}@example.com"],
    ["käthe@bücher.example".replace("käthe", "kaethe"), "kaethe@xn--bcher-kva.example"],
    [`${"a".repeat(64)}@example.com`, `${"a".repeat(64)}@example.com`],
  ])("%j is taken as %j", (typed, kept) => {
    expect(normalizeEmail(typed)).toBe(kept);
    expect(problemWithEmail(kept)).toBeUndefined();
  });

  it.each([
    "",
    "@",
    "ada",
    "ada@",
    "@example.com",
    "ada@example",
    "ada@127.0.0.1",
    "ada@mail.0x7f",
    "ada@example.1",
    "ada@@example.com",
    "ada@exam ple.com",
    "ada@-example.com",
    "Ada <ada@example.com>",
    "a@example.com,b@example.com",
    "käthe@example.com",
    // The Kelvin sign: lower-cased as Unicode has it, this would be another person's address.
    "\u212Aate@example.com",
    "ada@example.com\0",
    `${"a".repeat(65)}@example.com`,
    `ada@${"b".repeat(64)}.com`,
    `ada@${"b.".repeat(124)}com`,
  ])("%j is refused", (typed) => {
    expect(problemWithEmail(normalizeEmail(typed))).toMatch(/email address/);
  });
});
