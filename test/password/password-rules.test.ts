import { dictionary } from "@zxcvbn-ts/language-common";
import { describe, expect, it } from "vitest";
import { normalizePassword, problemWithPassword } from "../../app/password/password-rules.ts";

const email = "grace.hopper+news@example.com";

describe("a password", () => {
  it.each<[string, string, RegExp, string?]>([
    ["14 characters", "fourteen chars", /at least 15/],
    ["14 characters outside the first plane", "𝒶𝓉🐎🔋📎🌊🎻🧭🪐🧶🥁🍋🪁🛶", /at least 15/],
    ["one character that stands for many", "\ufdfa", /at least 15/],
    ["257 characters", "correct horse battery staple ".repeat(9).slice(0, 257), /at most 256/],
    ["nothing", "", /Enter a password/],
    ["a common one", "QwertyUiop123456789", /many people/],
    ["one character again and again", "zzzzzzzzzzzzzzzzzz", /repeats/],
    ["a word again and again", "lemontreelemontreelemon", /repeats/],
    ["few characters", "abbaabbbabaaabbabab", /repeats/],
    ["a keyboard run", "asdfghjklqwertyui", /keyboard/],
    ["a run of columns", "1qaz2wsx3edc4rfv5tgb", /keyboard/],
    ["a run backwards", "zyxwvutsrqponmlkj", /alphabet/],
    ["digits in a row", "01234567890123456", /repeats|keyboard/],
    ["the local part", "xx Grace.Hopper+News xx", /your email address/],
    ["a short local part and digits", "Ada-1815-12101852", /your email address/, "ada@example.com"],
    ["the whole address and digits", "ada@example.com1", /your email address/, "ada@example.com"],
    ["the local part without its signs", "gracehopper 19061209", /your email address/],
  ])("of %s is refused with the reason", (_, password, reason, owner = email) => {
    expect(problemWithPassword(password, owner)).toMatch(reason);
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

  it.each([
    ["Quince Cake", "my quince cake secret"],
    ["quince-cake", "Secrets of QuinceCake"],
  ])("with the name of the site, %s, is refused with the reason", (site, password) => {
    expect(problemWithPassword(password, email, site)).toContain(`the name of this site, ${site}.`);
  });

  it("may hold a short name of the site", () => {
    expect(problemWithPassword("happy valley trout", email, "App")).toBeUndefined();
  });

  it("is the same from another keyboard", () => {
    expect(normalizePassword("Ａ\u0065\u0301")).toBe("A\u00e9");
  });
});

describe("the list of common passwords", () => {
  it("lets none of its own entries pass", () => {
    const long = dictionary["passwords-common"].filter((password) => password.length >= 15);
    expect(long.length).toBeGreaterThan(30);
    expect(long.filter((password) => problemWithPassword(password, email) === undefined)).toEqual([]);
  });

  it.each([
    "password1234567",
    "iloveyou1234567",
    "Password123456!",
    "letmein12345678",
    "admin1234567890",
    "!!P@ssw0rd123456",
    "Passwordpassword12",
  ])("refuses %s", (password) => expect(problemWithPassword(password, email)).toBeDefined());

  it.each([
    "violet gravel under 93 lanterns",
    "correct horse battery staple",
    "1837 marble ladder 2291",
    "4915 2837 1192 8841",
  ])("takes %s", (password) => expect(problemWithPassword(password, email)).toBeUndefined());

  it("checks the longest password in a millisecond", () => {
    const password = `${"a".repeat(127)}b`.repeat(2);
    const started = performance.now();
    for (let n = 0; n < 100; n += 1) problemWithPassword(password, email);
    expect((performance.now() - started) / 100).toBeLessThan(1);
  });
});
