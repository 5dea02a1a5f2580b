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
    ["a common one", "QwertyUiop123456789", /Many people/],
    ["one character again and again", "zzzzzzzzzzzzzzzzzz", /repeats/],
    ["a word again and again", "lemontreelemontreelemon", /repeats/],
    ["a word again and again with spaces", "lemontree lemontree", /repeats/],
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
    ["App", "App-274916385027"],
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
  const list = dictionary["passwords-common"];

  it("lets none of its own entries pass", () => {
    const long = list.filter((password) => password.length >= 15);
    expect(long.length).toBeGreaterThan(30);
    expect(long.filter((password) => problemWithPassword(password, email) === undefined)).toEqual([]);
  });

  it("lets no entry of six and more letters pass with digits at its end", () => {
    const padded = list
      .filter((entry) => /^[a-z]{6,14}$/.test(entry))
      .map((entry) => `${entry}2749163850`.slice(0, 20));
    const sample = padded.filter((_, at) => at % 10 === 0);
    expect(sample.length).toBeGreaterThan(1000);
    expect(sample.filter((password) => problemWithPassword(password, email) === undefined)).toEqual([]);
  });

  it.each([
    "password1234567",
    "iloveyou1234567",
    "Password123456!",
    "letmein12345678",
    "admin1234567890",
    "!!P@ssw0rd123456",
    "Passwordpassword12",
    "password password",
    "password-password",
    "iloveyou iloveyou",
    "passw0rd-passw0rd",
    "princess princess 1",
    "P.a.s.s.w.o.r.d1",
  ])("refuses %s", (password) => expect(problemWithPassword(password, email)).toBeDefined());

  it.each([
    ["the name of the site and digits", "lemontree1234567890"],
    ["the name of the site between digits", "1999lemon tree2001"],
    ["the local part and digits", "grace.hopper1234567890"],
    ["the whole address and digits", "grace.hopper+news@example.com1906"],
  ])("refuses %s", (_, password) => expect(problemWithPassword(password, email, "lemon-tree")).toMatch(/contains/));

  it.each([
    "violet gravel under 93 lanterns",
    "correct horse battery staple",
    "1837 marble ladder 2291",
    "4915 2837 1192 8841",
    "~{[^*%#+=(|)_/:?] 1-1",
  ])("takes %s", (password) => expect(problemWithPassword(password, email)).toBeUndefined());

  it("offers a way out with each refusal", () => {
    const refused = ["password1234567", "lemontreelemontreelemon", "asdfghjklqwertyui", "my secret: Lemon Tree", email];
    for (const password of refused) {
      expect(problemWithPassword(password, email, "Lemon Tree")).toMatch(
        /^(This|Many) .+\. Choose a few random words instead\.$/,
      );
    }
  });
});

/** `length` characters, each of them given by its position. */
const repeat = (length: number, character: (at: number) => string) =>
  Array.from({ length }, (_, at) => character(at)).join("");

describe("judging a password", () => {
  const letters = repeat(256, (at) => String.fromCharCode(0x4e00 + 7 * at));
  it.each([
    ["is ordinary", "violet gravel under 93 lanterns"],
    ["has a stem of four letters", "3817 2946 qqxx 9182 6453"],
    ["nearly repeats itself", `${"abcdef".repeat(42)}abcx`],
    ["has digits around one letter", repeat(256, (at) => (at === 128 ? "a" : String((at * at + 3) % 10)))],
    ["has a letter at each end and none between", `a${repeat(254, (at) => String((at * at + 3) % 10))}b`],
    ["has letters between runs of digits", repeat(256, (at) => (at % 16 ? String((at * at) % 10) : "x"))],
    ["has 256 different letters", letters],
    ["has marks that normalization sorts", letters.slice(0, 5) + repeat(251, (at) => "\u0301\u0323"[at % 2]!)],
    ["becomes 4,608 characters", "\ufdfa".repeat(256)],
    ["has line breaks", repeat(256, (at) => (at % 5 ? "\n" : String.fromCharCode(97 + (at % 26))))],
  ])("takes at most a millisecond when it %s", (_, password) => {
    const hostile = `${"1.".repeat(15)}a${".1".repeat(16)}@${"1.".repeat(90)}com`;
    const times = Array.from({ length: 51 }, () => {
      const started = performance.now();
      problemWithPassword(password, hostile);
      return performance.now() - started;
    });
    // The median: on a busy machine, any single run may wait for a core.
    expect(times.toSorted((one, other) => one - other)[25]).toBeLessThan(1);
  });
});
