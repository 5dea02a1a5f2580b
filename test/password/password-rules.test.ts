import { describe, expect, it } from "vitest";
import { commonPasswords } from "../../app/password/common-passwords.ts";
import { normalisePassword, problemWithPassword } from "../../app/password/password-rules.ts";

const email = "grace.hopper+news@example.com";

describe("a password", () => {
  it.each([
    ["14 characters", "fourteen chars", /short/],
    ["14 characters outside the first plane", "𝒶𝓉🐎🔋📎🌊🎻🧭🪐🧶🥁🍋🪁🛶", /short/],
    ["one character that stands for many", "\ufdfa", /short/],
    ["257 characters", "correct horse battery staple ".repeat(9).slice(0, 257), /long/],
    ["nothing", "", /Choose/],
    ["a common one", "QwertyUiop123456789", /Many people/],
    ["one character again and again", "zzzzzzzzzzzzzzzzzz", /repeats/],
    ["a word again and again", "lemontreelemontreelemon", /repeats/],
    ["few characters", "abbaabbbabaaabbabab", /repeats/],
    ["a keyboard run", "asdfghjklqwertyui", /keyboard/],
    ["a run of columns", "1qaz2wsx3edc4rfv5tgb", /keyboard/],
    ["a run backwards", "zyxwvutsrqponmlkj", /alphabet/],
    ["digits in a row", "01234567890123456", /repeats|keyboard/],
    ["the name of the site", "my slim signup secret", /name of this site/],
    ["the local part", "xx Grace.Hopper+News xx", /your own address/],
    ["the local part without its signs", "gracehopper 19061209", /your own address/],
  ])("of %s is refused with the reason", (_, password, reason) => {
    expect(problemWithPassword(password, email)).toMatch(reason);
  });

  it.each([
    ["15 characters", "fifteen letters"],
    [
      "256 characters",
      "the harbour lights went out at nine; ".repeat(7).slice(0, 256 - 1 - 30) + " and so on until it was morning",
    ],
    ["any script", "ein Käse für Łódź 東京"],
    ["spaces, dashes and signs", "correct horse battery staple"],
    ["a local part of three letters", "the ada lovelace way"],
  ])("of %s is taken", (_, password) => {
    expect(problemWithPassword(password, "ada@example.com")).toBeUndefined();
  });

  it("may hold letters that only look like a short local part", () => {
    expect(problemWithPassword("bread and butter pudding", "a.n.d@example.com")).toBeUndefined();
  });

  it("is the same from another keyboard", () => {
    expect(normalisePassword("Ａ\u0065\u0301")).toBe("A\u00e9");
  });
});

describe("the list of common passwords", () => {
  it("holds those alone that the other rules would let pass by length", () => {
    for (const password of commonPasswords) expect(password.length).toBeGreaterThanOrEqual(15);
    expect(commonPasswords.size).toBeGreaterThan(100);
  });
});
